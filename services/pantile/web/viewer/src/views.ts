/** How panes are laid out: which are seen, which of them is large, and the curtain between H&E and an output. */

import { h } from "./dom.ts";
import type { Panes } from "./panes.ts";
import type { ViewName } from "./settings.ts";

const NARROW = "(max-width: 1099px)";

export class Layout {
  readonly #panes: Panes;
  readonly #narrow = matchMedia(NARROW);
  readonly #curtain: HTMLElement;
  readonly #tabs = h("div", { class: "tabs", role: "group", "aria-label": "Outputs" });
  readonly #activate: (place: number) => void;
  #view: ViewName = "grid";
  #active = 0;
  #split = 50;

  constructor(panes: Panes, activate: (place: number) => void, changed: () => void) {
    this.#panes = panes;
    this.#activate = activate;
    this.#curtain = h("div", {
      class: "curtain",
      role: "separator",
      tabindex: 0,
      "aria-label": "Curtain between H&E and output",
      "aria-orientation": "vertical",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      onkeydown: (event: KeyboardEvent) => this.#press(event),
      onpointerdown: (event: PointerEvent) => this.#curtain.setPointerCapture(event.pointerId),
      onpointermove: (event: PointerEvent) => this.#drag(event),
    });
    panes.element.append(this.#curtain);
    panes.element.before(this.#tabs);
    this.#narrow.addEventListener("change", changed);
    this.#listenToSwipes();
    this.#setSplit(50);
    new ResizeObserver(() => this.#fit()).observe(panes.element);
  }

  get tabs(): HTMLElement {
    return this.#tabs;
  }

  /** Whether the screen has no room for a grid. */
  get isNarrow(): boolean {
    return this.#narrow.matches;
  }

  get shown(): ViewName {
    return this.#view;
  }

  /** Whether but one output is seen at a time. */
  get isStacked(): boolean {
    return this.shown !== "grid" && this.shown !== "focus";
  }

  set(view: ViewName, active: number): void {
    this.#view = view;
    this.#active = active;
    this.apply();
  }

  apply(): void {
    const { shown } = this;
    const { element, outputs, reference } = this.#panes;
    element.dataset.view = shown;
    this.#curtain.hidden = shown !== "curtain";
    this.#hide(reference.element, shown === "flicker");
    reference.viewer.isHidden = shown === "flicker";
    for (const [at, pane] of outputs.entries()) {
      const isHidden = this.isStacked && at !== this.#active;
      this.#hide(pane.element, isHidden);
      pane.viewer.isHidden = isHidden;
      pane.showActive(at === this.#active);
    }
    this.#showTabs();
    this.#fit();
    if (this.#panes.sync.isOn) this.#panes.sync.align();
  }

  /** Leaves as much free below the H&E as outputs have there, so that the images are of one size and place. */
  #fit(): void {
    const { element, outputs } = this.#panes;
    const beside = this.shown === "grid" ? outputs : outputs.slice(this.#active, this.#active + 1);
    element.style.setProperty("--foot", `${Math.max(0, ...beside.map((pane) => pane.footPx))}px`);
  }

  /** Out of sight and out of the tab order, but with its size, so that its viewer goes on. */
  #hide(element: HTMLElement, isHidden: boolean): void {
    element.classList.toggle("is-hidden", isHidden);
    element.inert = isHidden;
  }

  #showTabs(): void {
    this.#tabs.hidden = !this.isStacked;
    if (!this.isStacked) return;
    this.#tabs.replaceChildren(
      ...this.#panes.outputs.map((pane, at) =>
        h(
          "button",
          { type: "button", class: "tool tab", "aria-pressed": String(at === this.#active), onclick: () => this.#activate(at) },
          h("span", { class: "unseen" }, "Output "),
          pane.name,
          h("small", {}, pane.state?.output.is_missing ? "–" : (pane.state?.held.value ?? "·").toString()),
        ),
      ),
    );
  }

  #press(event: KeyboardEvent): void {
    const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#setSplit(this.#split + step);
  }

  #drag(event: PointerEvent): void {
    if (!this.#curtain.hasPointerCapture(event.pointerId)) return;
    const { left, width } = this.#panes.element.getBoundingClientRect();
    this.#setSplit(((event.clientX - left) / width) * 100);
  }

  #setSplit(percent: number): void {
    this.#split = Math.min(100, Math.max(0, percent));
    this.#panes.element.style.setProperty("--split", `${this.#split}%`);
    this.#curtain.setAttribute("aria-valuenow", String(Math.round(this.#split)));
  }

  /** On a tablet a swipe along the head or the pad goes to the next output; on the image it moves the image. */
  #listenToSwipes(): void {
    let from: PointerEvent | undefined;
    const { element } = this.#panes;
    element.addEventListener("pointerdown", (event) => {
      const isBeside = event.target instanceof Element && event.target.closest(".osd") === null;
      from = event.pointerType === "touch" && isBeside && this.isStacked ? event : undefined;
    });
    element.addEventListener("pointerup", (event) => {
      if (!from || from.pointerId !== event.pointerId) return;
      const [x, y] = [event.clientX - from.clientX, event.clientY - from.clientY];
      from = undefined;
      if (Math.abs(x) < 50 || Math.abs(y) > Math.abs(x) / 2) return;
      this.#activate(this.#active + (x < 0 ? 1 : -1));
    });
  }
}
