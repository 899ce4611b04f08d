/** The one legend for all panes: a group of boxes with one tab stop, whose arrows move and whose Space shows or hides. */

import { h } from "./dom.ts";
import type { LegendEntry, PaletteName } from "./lut.ts";

export class Legend {
  readonly element = h("div", { class: "legend", role: "toolbar", "aria-label": "Classes shown", "aria-orientation": "horizontal" });
  readonly #changed: (hidden: ReadonlySet<number>) => void;
  readonly #leave: () => void;
  #hidden = new Set<number>();
  #entries: readonly LegendEntry[] = [];
  #buttons: HTMLButtonElement[] = [];

  constructor(changed: (hidden: ReadonlySet<number>) => void, leave: () => void) {
    this.#changed = changed;
    this.#leave = leave;
    this.element.addEventListener("keydown", (event) => this.#press(event));
  }

  get hidden(): ReadonlySet<number> {
    return this.#hidden;
  }

  show(entries: readonly LegendEntry[], palette: PaletteName): void {
    this.#entries = entries.filter((entry) => entry.colours[palette] !== undefined);
    this.#buttons = this.#entries.map((entry, at) => {
      const swatch = h("span", { class: "swatch", "aria-hidden": "true" }, entry.letter);
      const colour = entry.colours[palette] ?? "transparent";
      swatch.style.background = colour;
      swatch.style.color = isBright(colour) ? "#000" : "#fff";
      return h(
        "button",
        { type: "button", class: "class", role: "checkbox", tabindex: at === 0 ? 0 : -1, onclick: (event: MouseEvent) => this.#toggle(entry.index, event.shiftKey) },
        swatch,
        entry.label,
      );
    });
    this.element.replaceChildren(...this.#buttons);
    this.#mark();
  }

  focus(): void {
    (this.#buttons.find((button) => button.tabIndex === 0) ?? this.#buttons[0])?.focus();
  }

  #toggle(index: number, isSolo: boolean): void {
    const others = this.#entries.map((entry) => entry.index).filter((each) => each !== index);
    const isAlone = !this.#hidden.has(index) && others.every((each) => this.#hidden.has(each));
    if (isSolo) this.#hidden = new Set(isAlone ? [] : others);
    else if (!this.#hidden.delete(index)) this.#hidden.add(index);
    this.#mark();
    this.#changed(this.#hidden);
  }

  #mark(): void {
    for (const [at, button] of this.#buttons.entries()) button.setAttribute("aria-checked", String(!this.#hidden.has(this.#entries[at]!.index)));
  }

  #press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") return this.#leave();
    const at = this.#buttons.findIndex((button) => button === document.activeElement);
    if (at < 0) return;
    if (event.key === " ") {
      event.preventDefault();
      this.#toggle(this.#entries[at]!.index, event.shiftKey);
    }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = (at + step + this.#buttons.length) % this.#buttons.length;
    for (const [each, button] of this.#buttons.entries()) button.tabIndex = each === to ? 0 : -1;
    this.#buttons[to]?.focus();
  }
}

function isBright(colour: string): boolean {
  const value = Number.parseInt(colour.slice(1), 16);
  return 0.299 * (value >> 16) + 0.587 * ((value >> 8) & 255) + 0.114 * (value & 255) > 140;
}
