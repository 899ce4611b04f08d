/**
 * Eleven buttons that are one radio group: one tab stop, `0` to `10`, hollow while on its way, solid once saved. As long
 * as nothing is chosen the group itself is the stop, so that no button looks as if it were.
 */

import { h } from "./dom.ts";

export interface ScorePadOptions {
  readonly name: string;
  /** "8 – excellent". */
  word(value: number): string;
  /** A person chose; choosing what is chosen takes it away. */
  choose(value: number | null): void;
  /** Whether keys without modifiers are ours; without them the group has the keys that radio groups have. */
  hasShortcuts(): boolean;
}

const VALUES = Array.from({ length: 11 }, (_, value) => value);

export class ScorePad {
  readonly element: HTMLElement;
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #options: ScorePadOptions;
  #value: number | null = null;
  #isEnabled = true;

  constructor(options: ScorePadOptions) {
    this.#options = options;
    this.#buttons = VALUES.map((value) =>
      h("button", { type: "button", role: "radio", class: "score", tabindex: -1, onclick: () => this.#press(value) }, String(value)),
    );
    this.element = h(
      "div",
      { role: "radiogroup", class: "pad", "aria-label": `Score for ${options.name}`, onkeydown: (event: KeyboardEvent) => this.#move(event) },
      ...this.#buttons,
    );
    this.show(null, false, true);
  }

  show(value: number | null, isPending: boolean, isEnabled: boolean): void {
    this.#value = value;
    this.#isEnabled = isEnabled;
    for (const [at, button] of this.#buttons.entries()) {
      const isChosen = at === value;
      button.setAttribute("aria-checked", String(isChosen));
      button.setAttribute("aria-label", this.#options.word(at));
      button.setAttribute("aria-disabled", String(!isEnabled));
      button.tabIndex = isChosen ? 0 : -1;
      button.classList.toggle("is-pending", isChosen && isPending);
    }
    this.element.tabIndex = value === null ? 0 : -1;
    this.element.classList.toggle("is-closed", !isEnabled);
  }

  focus(): void {
    (this.#value === null ? this.element : this.#buttons[this.#value])?.focus({ preventScroll: true });
  }

  #press(value: number): void {
    if (this.#isEnabled) this.#options.choose(value === this.#value ? null : value);
  }

  /** Without shortcuts: arrows choose, as in any radio group. Space scores nothing while digits do. */
  #move(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (this.#options.hasShortcuts()) {
      if (event.key === " ") event.preventDefault();
      return;
    }
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step === undefined || !this.#isEnabled) return;
    event.preventDefault();
    const value = this.#value === null ? (step > 0 ? 0 : 10) : Math.min(10, Math.max(0, this.#value + step));
    this.#options.choose(value);
    this.#buttons[value]?.focus({ preventScroll: true });
  }
}
