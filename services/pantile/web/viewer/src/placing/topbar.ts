/** The bar above the slide: which one it is, whether all is saved, and what can be done with it. */

import { h, toolButton } from "../dom.ts";
import type { Act } from "./actions.ts";
import { sizeInPx } from "./geometry.ts";
import type { Slide } from "./slide.ts";

/** Where the rectangles stand. */
export type Standing = "empty" | "guessed" | "changed" | "saving" | "saved" | "cut" | "offline";

const SENTENCES: Readonly<Record<Standing, string>> = {
  empty: "No rectangles",
  guessed: "Guess, not saved",
  changed: "Not saved",
  saving: "Saving",
  saved: "Saved",
  cut: "Saved, cut out",
  offline: "Not saved",
};

const STATES: Readonly<Record<Standing, string>> = { empty: "none", guessed: "none", changed: "conflict", saving: "saving", saved: "saved", cut: "saved", offline: "offline" };

export class TopBar {
  readonly element: HTMLElement;
  readonly banner = h("div", { class: "banner", role: "group", "aria-label": "Notice", hidden: true });
  readonly #list = h("a", { class: "tool", href: "/slides", title: "To the cohort's slides", "aria-label": "To the cohort's slides" }, "☰");
  readonly #name = h("h1", {});
  readonly #facts = h("p", { class: "count" });
  readonly #state = h("p", { class: "state" });
  readonly #undo: HTMLButtonElement;
  readonly #redo: HTMLButtonElement;
  readonly #save: HTMLButtonElement;
  readonly #cut: HTMLButtonElement;
  readonly #next: HTMLButtonElement;

  constructor(act: Act) {
    this.#undo = toolButton("↶ Undo", "Undo", () => act("undo"));
    this.#redo = toolButton("↷", "Redo", () => act("redo"));
    this.#save = toolButton("Save", "Save the rectangles", () => act("save"), { class: "tool is-main" });
    this.#cut = toolButton("Cut out", "Save, and have the ROIs cut out", () => act("cut"), { class: "tool is-main" });
    this.#next = toolButton("Next ›", "Next slide without rectangles", () => act("next-slide"));
    this.element = h(
      "header",
      { class: "bar" },
      h("nav", { class: "group", "aria-label": "Slides" }, this.#list),
      h("div", { class: "where" }, this.#name, this.#facts),
      this.#state,
      h("div", { class: "group", role: "group", "aria-label": "This slide" }, this.#undo, this.#redo, toolButton("?", "Help and keys", () => act("help")), this.#save, this.#cut, this.#next),
    );
  }

  show(slide: Slide, standing: Standing, steps: { readonly canUndo: boolean; readonly canRedo: boolean }): void {
    this.#list.href = `/cohorts/${encodeURIComponent(slide.cohort)}/slides`;
    this.#name.textContent = slide.name;
    const size = slide.width_px && slide.height_px ? sizeInPx({ width_px: slide.width_px, height_px: slide.height_px }) : "";
    this.#facts.textContent = [slide.cohort, size, slide.mpp === null ? "" : `${Number(slide.mpp.toPrecision(4))} µm a pixel`].filter(Boolean).join(" · ");
    this.#state.textContent = SENTENCES[standing];
    this.#state.dataset.state = STATES[standing];
    this.#undo.disabled = !steps.canUndo;
    this.#redo.disabled = !steps.canRedo;
    const isSavable = slide.may_place && ["guessed", "changed", "offline"].includes(standing);
    const isCuttable = slide.may_place && standing !== "empty" && standing !== "saving" && standing !== "cut";
    this.#save.disabled = !isSavable;
    this.#cut.disabled = !isCuttable;
    this.#cut.classList.toggle("is-ready", isCuttable);
    this.#next.disabled = slide.next === null;
    this.#next.title = slide.next === null ? "No other slide of the cohort is without rectangles" : "Next slide without rectangles";
  }

  /** Says something that stays, with at most one thing to do about it. */
  tell(sentence: string | null, link?: { readonly label: string; readonly href: string }): void {
    this.banner.hidden = sentence === null;
    this.banner.replaceChildren(...(sentence === null ? [] : [h("p", {}, sentence)]), ...(link ? [h("a", { class: "button", href: link.href }, link.label)] : []));
  }
}
