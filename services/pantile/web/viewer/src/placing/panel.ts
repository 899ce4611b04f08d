/** The panel beside the slide: each rectangle with its size, its tissue, what to know of it, and fields for exact numbers. */

import { h, toolButton } from "../dom.ts";
import type { Act } from "./actions.ts";
import { areSame, FARTHEST_PX, LONGEST_PX, SHORTEST_PX, sized, sizeInPx, sizeInUm, type Rectangle, type Size } from "./geometry.ts";
import { isUnderWay, percent, roiAt, TISSUE_TYPES, TITLES, type Rectangles, type Slide, type SlideRoi, type TissueType } from "./slide.ts";

const FIELDS = [
  ["left_px", "Left", -FARTHEST_PX, FARTHEST_PX],
  ["top_px", "Top", -FARTHEST_PX, FARTHEST_PX],
  ["width_px", "Width", SHORTEST_PX, LONGEST_PX],
  ["height_px", "Height", SHORTEST_PX, LONGEST_PX],
] as const;

export interface PanelEvents {
  readonly act: Act;
  /** Exact numbers were typed. */
  type(tissue: TissueType, rectangle: Rectangle): void;
  /** Does something with this rectangle. */
  actOn(tissue: TissueType, action: string): void;
}

/** What is known of a rectangle besides where it is. */
export interface Findings {
  readonly tissue: number | undefined;
  readonly warnings: readonly string[];
}

class Section {
  readonly element: HTMLElement;
  readonly #tissue: TissueType;
  readonly #events: PanelEvents;
  readonly #pick: HTMLButtonElement;
  readonly #size = h("p", { class: "size" });
  readonly #facts = h("p", { class: "quiet" });
  readonly #warnings = h("ul", { class: "warnings" });
  readonly #inputs: Readonly<Record<(typeof FIELDS)[number][0], HTMLInputElement>>;
  readonly #fields: HTMLElement;
  readonly #tools: HTMLElement;
  readonly #studySize: HTMLButtonElement;
  #rectangle: Rectangle | undefined;

  constructor(tissue: TissueType, events: PanelEvents) {
    this.#tissue = tissue;
    this.#events = events;
    const title = TITLES[tissue];
    this.#pick = h("button", { type: "button", class: "pick", onclick: () => events.act(tissue) });
    this.#inputs = Object.fromEntries(
      FIELDS.map(([name, , min, max]) => [name, h("input", { type: "number", step: 1, min, max, required: true, id: `${tissue}-${name}`, onchange: () => this.#typed() })]),
    ) as never;
    this.#fields = h(
      "div",
      { class: "fields" },
      ...FIELDS.map(([name, label]) => h("label", { for: `${tissue}-${name}` }, h("span", { class: "unseen" }, `${title}, `), label, this.#inputs[name])),
    );
    this.#studySize = toolButton("Study's size", `${title} in the study's size`, () => events.actOn(tissue, "study-size"));
    this.#tools = h(
      "div",
      { class: "group" },
      toolButton("Go to", `Go to ${title}`, () => events.actOn(tissue, "go-to")),
      this.#studySize,
      toolButton("Remove", `Take ${title} away`, () => events.actOn(tissue, "remove")),
    );
    this.element = h("section", { class: "part", "data-tissue": tissue, "aria-label": title }, h("h2", {}, this.#pick), this.#size, this.#facts, this.#warnings, this.#fields, this.#tools);
  }

  show(rectangle: Rectangle | undefined, slide: Slide, { tissue, warnings }: Findings, isSelected: boolean, roi: SlideRoi | undefined): void {
    this.#rectangle = rectangle;
    const [title, study, isThere] = [TITLES[this.#tissue], slide.study_size, rectangle !== undefined];
    this.element.classList.toggle("is-selected", isSelected);
    this.#pick.textContent = isThere ? title : `Place ${title.toLowerCase()}`;
    this.#pick.setAttribute("aria-pressed", String(isSelected));
    this.#pick.disabled = !isThere && !slide.may_place;
    for (const part of [this.#size, this.#facts, this.#warnings, this.#fields, this.#tools]) part.hidden = !isThere;
    if (!rectangle) return;
    const isStudys = study !== null && hasSize(rectangle, study);
    this.#size.textContent = `${sizeInPx(rectangle)}, ${sizeInUm(rectangle, slide.mpp ?? 1)}${isStudys ? " (the study's size)" : ""}`;
    this.#facts.textContent = [tissue === undefined ? "" : `${percent(tissue)} tissue`, roi ? roiSentence(roi) : ""].filter(Boolean).join("; ");
    this.#warnings.replaceChildren(...warnings.map((warning) => h("li", {}, warning)));
    for (const [name] of FIELDS) if (document.activeElement !== this.#inputs[name]) this.#inputs[name].value = String(rectangle[name]);
    for (const control of this.element.querySelectorAll<HTMLInputElement | HTMLButtonElement>(".fields input, .group button")) control.disabled = !slide.may_place && !control.title.startsWith("Go to");
    this.#studySize.disabled ||= isStudys;
  }

  #typed(): void {
    const inputs = FIELDS.map(([name]) => this.#inputs[name]);
    if (!this.#rectangle || !inputs.every((input) => input.reportValidity())) return;
    const typed = Object.fromEntries(FIELDS.map(([name]) => [name, Math.round(this.#inputs[name].valueAsNumber)])) as unknown as Rectangle;
    if (!areSame(typed, this.#rectangle)) this.#events.type(this.#tissue, typed);
  }
}

function hasSize(rectangle: Rectangle, size: Size): boolean {
  return areSame(rectangle, sized(rectangle, size)) || (rectangle.width_px === size.width_px && rectangle.height_px === size.height_px);
}

/** What has become of a rectangle that was cut out. */
function roiSentence(roi: SlideRoi): string {
  const { roi_number, state, error, quality } = roi;
  if (isUnderWay(roi)) return `ROI ${roi_number} is being cut out`;
  if (state === "refused") return `ROI ${roi_number} could not be cut out: ${error ?? "no reason is known"}`;
  if (state !== "stored") return `ROI ${roi_number} was ${state}`;
  const flags = quality?.flags ?? [];
  return `cut out as ROI ${roi_number}${flags.length > 0 ? ` (its image: ${flags.join(", ")})` : ""}`;
}

export class Panel {
  readonly element: HTMLElement;
  readonly #sections: Readonly<Record<TissueType, Section>>;
  readonly #swap: HTMLButtonElement;
  readonly #guess: HTMLButtonElement;
  readonly #about = h("p", { class: "quiet" });
  readonly #rois = h("ul", { class: "rois" });

  constructor(events: PanelEvents) {
    this.#sections = { tumor: new Section("tumor", events), normal: new Section("normal", events) };
    this.#swap = toolButton("⇄ Swap", "Tumor and normal change places", () => events.act("swap"));
    this.#guess = toolButton("Take the guess", "Take the first guess", () => events.act("guess"));
    this.element = h(
      "aside",
      { class: "panel", "aria-label": "Rectangles" },
      this.#about,
      ...TISSUE_TYPES.map((tissue) => this.#sections[tissue].element),
      h("div", { class: "group" }, this.#swap, this.#guess),
      this.#rois,
    );
  }

  show(slide: Slide, rectangles: Rectangles, { selected, isGuess, findings }: { selected: TissueType | null; isGuess: boolean; findings: Readonly<Record<TissueType, Findings>> }): void {
    const { placing } = slide;
    const who = placing.placed_by === null ? "" : `Saved by ${placing.placed_by}, ${(placing.placed_at ?? "").slice(0, 16).replace("T", " ")} UTC.`;
    this.#about.textContent = isGuess
      ? "A first guess: the two places with the most tissue. Which of them is tumor, if any, is for you to say."
      : who || (slide.guesses.length === 0 ? "No place was guessed: there is little tissue." : "Nothing is saved yet.");
    for (const tissue of TISSUE_TYPES) {
      const rectangle = rectangles[tissue];
      this.#sections[tissue].show(rectangle, slide, findings[tissue], tissue === selected, rectangle && roiAt(slide.rois, tissue, rectangle));
    }
    this.#swap.disabled = !slide.may_place || (!rectangles.tumor && !rectangles.normal);
    this.#guess.hidden = slide.guesses.length === 0;
    this.#guess.disabled = !slide.may_place || isGuess;
    const elsewhere = slide.rois.filter((roi) => !TISSUE_TYPES.some((tissue) => rectangles[tissue] && roiAt([roi], tissue, rectangles[tissue])));
    this.#rois.replaceChildren(...elsewhere.map((roi) => h("li", {}, `${TITLES[roi.tissue_type]}, elsewhere: ${roiSentence(roi)}`)));
    this.#rois.hidden = elsewhere.length === 0;
  }
}
