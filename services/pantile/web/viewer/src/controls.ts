/** The bar below the panes: classes, how masks are painted, which view, and the anchors of the scale. */

import { h, toolButton } from "./dom.ts";
import type { Act } from "./header.ts";
import { Legend } from "./legend.ts";
import type { Preferences, ViewName } from "./settings.ts";

const VIEW_TITLES: Readonly<Record<ViewName, string>> = { grid: "Grid", focus: "Focus", flicker: "Flicker", curtain: "Curtain", single: "Single" };

export interface ControlEvents {
  readonly act: Act;
  classes(hidden: ReadonlySet<number>): void;
  opacity(percent: number): void;
  view(view: ViewName): void;
  leave(): void;
}

export class Controls {
  readonly element: HTMLElement;
  readonly legend: Legend;
  readonly #slider: HTMLInputElement;
  readonly #percent = h("output", { for: "opacity" });
  readonly #masks: HTMLButtonElement;
  readonly #outline: HTMLButtonElement;
  readonly #sync: HTMLButtonElement;
  readonly #views = h("div", { class: "group views", role: "radiogroup", "aria-label": "View" });
  readonly #anchors = h("p", { class: "anchors" });
  readonly #events: ControlEvents;

  constructor(events: ControlEvents) {
    this.#events = events;
    this.legend = new Legend((hidden) => events.classes(hidden), () => events.leave());
    this.#slider = h("input", {
      id: "opacity",
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      "aria-label": "Opacity of masks",
      oninput: () => events.opacity(Number(this.#slider.value)),
      // After the mouse, keys are the panes' again.
      onpointerup: () => events.leave(),
    });
    this.#masks = toolButton("Masks", "Masks on and off", () => events.act("masks"), { "aria-pressed": "true" });
    this.#outline = toolButton("Outline", "Outlines instead of areas", () => events.act("outline"), { "aria-pressed": "false" });
    this.#sync = toolButton("Sync", "Panes move together", () => events.act("sync"), { "aria-pressed": "true" });
    this.element = h(
      "footer",
      { class: "bar controls" },
      this.legend.element,
      h("div", { class: "group" }, this.#masks, this.#slider, this.#percent, this.#outline),
      h("div", { class: "group" }, this.#views, this.#sync, toolButton("⌂", "Whole region", () => events.act("home")), toolButton("−", "Zoom out", () => events.act("zoom-out")), toolButton("+", "Zoom in", () => events.act("zoom-in"))),
      this.#anchors,
    );
  }

  showViews(views: readonly ViewName[], chosen: ViewName): void {
    const buttons = views.map((view) =>
      h("button", { type: "button", class: "tool", role: "radio", "aria-checked": String(view === chosen), tabindex: view === chosen ? 0 : -1, onclick: () => this.#events.view(view), onkeydown: (event: KeyboardEvent) => this.#move(event, views, chosen) }, VIEW_TITLES[view]),
    );
    const hadFocus = this.#views.contains(document.activeElement);
    this.#views.replaceChildren(...buttons);
    this.#views.hidden = views.length < 2;
    if (hadFocus) buttons[views.indexOf(chosen)]?.focus();
  }

  #move(event: KeyboardEvent, views: readonly ViewName[], chosen: ViewName): void {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#events.view(views[(views.indexOf(chosen) + step + views.length) % views.length]!);
  }

  show({ opacity, outline }: Preferences, areMasksOn: boolean, isSyncOn: boolean): void {
    this.#slider.value = String(opacity);
    this.#percent.textContent = `${opacity} %`;
    this.#masks.setAttribute("aria-pressed", String(areMasksOn));
    this.#outline.setAttribute("aria-pressed", String(outline));
    this.#sync.setAttribute("aria-pressed", String(isSyncOn));
    this.#sync.textContent = isSyncOn ? "Sync on" : "Sync off";
  }

  showAnchors(anchors: Readonly<Record<string, string>>): void {
    const sorted = Object.entries(anchors).toSorted(([one], [other]) => Number(other) - Number(one));
    this.#anchors.replaceChildren(...sorted.flatMap(([value, word]) => [h("span", {}, h("b", {}, value), ` ${word}`), " "]));
  }
}
