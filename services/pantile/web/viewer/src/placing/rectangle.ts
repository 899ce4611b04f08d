/** One rectangle on the screen: its frame, its name, its handles, and how it is dragged. */

import { h } from "../dom.ts";
import { HANDLES, moved, resized, sizeInPx, type Handle, type Point, type Rectangle } from "./geometry.ts";
import { TITLES, type TissueType } from "./slide.ts";

export interface RectangleEvents {
  select(tissue: TissueType): void;
  /** A drag has brought it there; `isDone` when it is let go. */
  drag(tissue: TissueType, rectangle: Rectangle, isDone: boolean): void;
  imageZoom(): number;
  isLargerThanView(rectangle: Rectangle): boolean;
}

interface Drag {
  readonly pointer: number;
  readonly from: Point;
  readonly start: Rectangle;
  readonly handle: Handle | undefined;
}

export class RectangleView {
  readonly element: HTMLElement;
  readonly #tissue: TissueType;
  readonly #events: RectangleEvents;
  readonly #inside = h("div", { class: "inside" });
  #rectangle: Rectangle | undefined;
  #mayChange = false;
  #drag: Drag | undefined;

  constructor(tissue: TissueType, events: RectangleEvents) {
    this.#tissue = tissue;
    this.#events = events;
    this.element = h(
      "div",
      {
        class: "rectangle",
        "data-tissue": tissue,
        tabindex: 0,
        role: "button",
        hidden: true,
        onfocus: () => events.select(tissue),
        onpointerdown: (event: PointerEvent) => this.#begin(event),
        onpointermove: (event: PointerEvent) => this.#go(event),
        onpointerup: (event: PointerEvent) => this.#end(event),
        onpointercancel: (event: PointerEvent) => this.#end(event),
      },
      this.#inside,
      h("span", { class: "tag" }, TITLES[tissue]),
      ...HANDLES.map((handle) => h("span", { class: "handle", "data-handle": handle })),
    );
  }

  show(rectangle: Rectangle | undefined, { isSelected, isGuess, mayChange }: { isSelected: boolean; isGuess: boolean; mayChange: boolean }): void {
    this.#rectangle = rectangle;
    this.#mayChange = mayChange;
    const { element } = this;
    element.hidden = rectangle === undefined;
    element.classList.toggle("is-selected", isSelected);
    element.classList.toggle("is-guess", isGuess);
    element.classList.toggle("is-fixed", !mayChange);
    element.setAttribute("aria-pressed", String(isSelected));
    if (rectangle) element.setAttribute("aria-label", `${TITLES[this.#tissue]} rectangle, ${sizeInPx(rectangle)} at ${rectangle.left_px}, ${rectangle.top_px}`);
  }

  #begin(event: PointerEvent): void {
    const rectangle = this.#rectangle;
    if (!rectangle || event.button !== 0 || this.#drag) return;
    const target = event.target as HTMLElement;
    // One that fills the screen is moved by its frame and its name: else the slide could not be.
    if (target === this.#inside && this.#events.isLargerThanView(rectangle)) return;
    event.stopPropagation();
    this.#events.select(this.#tissue);
    if (!this.#mayChange) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.#drag = { pointer: event.pointerId, from: { x: event.clientX, y: event.clientY }, start: rectangle, handle: target.dataset.handle as Handle | undefined };
  }

  #go(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.pointer) return;
    event.stopPropagation();
    this.#events.drag(this.#tissue, this.#dragged(drag, event), false);
  }

  #end(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.pointer) return;
    event.stopPropagation();
    this.#drag = undefined;
    this.#events.drag(this.#tissue, event.type === "pointercancel" ? drag.start : this.#dragged(drag, event), true);
  }

  #dragged({ from, start, handle }: Drag, event: PointerEvent): Rectangle {
    const zoom = this.#events.imageZoom();
    const by = { x: (event.clientX - from.x) / zoom, y: (event.clientY - from.y) / zoom };
    return handle === undefined ? moved(start, by) : resized(start, handle, by);
  }
}
