/** One pane: its head, its viewer with what lies over it, and for an output the score pad and the answers. */

import type OpenSeadragon from "openseadragon";

import { AnswerForm } from "./answers.ts";
import { h, toolButton } from "./dom.ts";
import type { Held } from "./history.ts";
import type { Reading, PaneState } from "./reading.ts";
import { magnification, scaleBar } from "./scalebar.ts";
import { ScorePad } from "./scorepad.ts";
import { Viewer, type Painting, type Sight } from "./viewer.ts";

export interface PaneEvents {
  /** The person turned to this pane. */
  activate(pane: Pane): void;
  moved(pane: Pane): void;
  changed(pane: Pane): void;
  rested(pane: Pane): void;
  tileLoaded(pane: Pane): void;
  loaded(pane: Pane): void;
  missingChanged(pane: Pane): void;
  enlarge(pane: Pane): void;
  choose(pane: Pane, value: number | null): void;
  answer(pane: Pane, answers: Held["answers"]): void;
  editComment(pane: Pane): void;
  typeComment(pane: Pane, text: string): void;
  endComment(pane: Pane): void;
  report(pane: Pane): void;
  showExamples(): void;
  word(value: number): string;
  hasShortcuts(): boolean;
}

const BAR_PX = 140;

/** Why a pane has no class map. */
const EMPTY = {
  missing: "No output for this ROI.",
  unread: "The class map cannot be shown.",
  withdrawn: "Withdrawn.",
} as const;

export class Pane {
  readonly element: HTMLElement;
  readonly viewer: Viewer;
  /** "H&E", or the letter of an output. */
  readonly name: string;
  readonly isReference: boolean;
  state: PaneState | undefined;
  readonly pad: ScorePad;
  readonly #events: PaneEvents;
  readonly #stage = h("div", { class: "osd" });
  readonly #title = h("h2", {});
  readonly #verdict = h("p", { class: "verdict" });
  readonly #readout = h("p", { class: "readout", hidden: true });
  readonly #cross = h("div", { class: "cross", hidden: true, "aria-hidden": "true" });
  readonly #notice = h("div", { class: "notice", role: "group", hidden: true });
  readonly #bar = h("div", { class: "scalebar" });
  readonly #empty = h("div", { class: "empty", hidden: true });
  readonly #answers: AnswerForm;
  readonly #comment: HTMLTextAreaElement;
  readonly #commentButton: HTMLButtonElement;

  constructor(name: string, painting: Painting, events: PaneEvents, isAnimated: boolean) {
    this.name = name;
    this.isReference = name === "H&E";
    this.#events = events;
    const title = this.isReference ? "H&E" : `output ${name}`;
    this.pad = new ScorePad({
      name: title,
      word: (value) => events.word(value),
      choose: (value) => events.choose(this, value),
      hasShortcuts: () => events.hasShortcuts(),
    });
    this.#answers = new AnswerForm(title, (answers) => events.answer(this, answers));
    this.#comment = h("textarea", {
      class: "comment",
      "aria-label": `Comment on ${title}`,
      placeholder: "Comment; Esc goes back",
      maxlength: 2000,
      hidden: true,
      oninput: () => events.typeComment(this, this.#comment.value),
      onblur: () => events.endComment(this),
      onkeydown: (event: KeyboardEvent) => event.key === "Escape" && events.endComment(this),
    });
    this.#commentButton = toolButton("✎", `Comment on ${title}`, () => events.editComment(this), { tabindex: -1 });
    this.element = this.#build(title);
    this.viewer = new Viewer(this.#stage, painting, {
      moved: () => events.moved(this),
      changed: () => {
        this.showScale();
        events.changed(this);
      },
      rested: () => events.rested(this),
      tileLoaded: () => events.tileLoaded(this),
      loaded: () => events.loaded(this),
      missingChanged: () => {
        this.#showMissing();
        events.missingChanged(this);
      },
    }, isAnimated);
  }

  #build(title: string): HTMLElement {
    const label = this.isReference ? "H&E" : `Output ${this.name}`;
    const stage = h("div", { class: "stage" }, this.#stage, this.#cross, this.#bar, this.#readout, this.#empty, this.#notice, this.#comment);
    if (this.isReference) {
      stage.tabIndex = 0;
      stage.setAttribute("role", "img");
      stage.setAttribute("aria-label", "H&E of the region");
    }
    const tools = h("div", { class: "tools" }, toolButton("⤢", `Enlarge ${title}`, () => this.#events.enlarge(this), { tabindex: -1 }));
    if (!this.isReference) tools.append(this.#commentButton);
    return h(
      "section",
      {
        class: this.isReference ? "pane is-reference" : "pane",
        "aria-label": label,
        "data-pane": this.name,
        // A pane becomes active by a press or by focus, never by hovering.
        onpointerdown: () => this.#events.activate(this),
        onfocusin: () => this.#events.activate(this),
      },
      h("header", { class: "head" }, this.#title, this.#verdict, tools),
      stage,
      ...(this.isReference ? [this.#foot()] : [this.pad.element, this.#answers.element]),
    );
  }

  /** What stands below the H&E where outputs have their pads, so that all images are of one size. */
  #foot(): HTMLElement {
    return h("div", { class: "foot" }, toolButton("Calibration examples", "Show calibration examples", () => this.#events.showExamples(), { tabindex: -1 }));
  }

  /** Screen pixels from the lower edge of the image to that of the pane. */
  get footPx(): number {
    const { bottom } = this.element.getBoundingClientRect();
    return bottom - (this.#stage.parentElement?.getBoundingClientRect().bottom ?? bottom);
  }

  async open(sight: Sight): Promise<void> {
    this.#readout.hidden = true;
    this.#cross.hidden = true;
    await this.viewer.open(sight);
  }

  /** Shows what the pane holds. */
  show(reading: Reading): void {
    const { state } = this;
    this.#title.textContent = state?.output.segmenter ? `${this.name} · ${state.output.segmenter}` : this.name;
    if (!state) return;
    const isMissing = state.output.is_missing;
    const isEnabled = !isMissing && reading.closedBecause === null;
    const isWithdrawn = reading.status === "withdrawn";
    this.#showEmpty(isWithdrawn ? "withdrawn" : isMissing ? "missing" : state.output.tiles === null ? "unread" : null);
    this.pad.element.hidden = isMissing || !reading.isScored;
    this.pad.show(state.held.value, state.isPending, isEnabled);
    if (isMissing) this.#answers.element.hidden = true;
    else this.#answers.show(reading.questions, state.held.answers, isEnabled);
    this.#verdict.textContent = this.#sentence(reading, state);
    this.#verdict.classList.toggle("is-open", !reading.isDone(state));
    this.#commentButton.classList.toggle("is-set", state.held.comment !== "");
    this.#commentButton.title = state.held.comment || `Comment on output ${this.name}`;
    this.element.classList.toggle("is-pending", state.isPending);
  }

  #sentence(reading: Reading, state: PaneState): string {
    if (state.output.is_missing) return "not scorable";
    const { value } = state.held;
    const what = !reading.isDone(state) && value === null ? "not scored" : value === null ? "" : reading.word(value);
    return state.isPending ? `${what} · saving` : what;
  }

  #showEmpty(why: keyof typeof EMPTY | null): void {
    this.#empty.hidden = why === null;
    if (why === null) return;
    if (why === "withdrawn") return this.#empty.replaceChildren(h("p", {}, EMPTY[why]));
    this.#empty.replaceChildren(
      h("p", {}, EMPTY[why]),
      h("button", { type: "button", class: "button", onclick: () => this.#events.report(this) }, "Report"),
    );
  }

  showActive(isActive: boolean): void {
    this.element.classList.toggle("is-active", isActive);
    if (isActive) this.element.setAttribute("aria-current", "true");
    else this.element.removeAttribute("aria-current");
  }

  /** Puts the focus on the pane's one stop. */
  focus(): void {
    if (this.isReference) this.element.querySelector<HTMLElement>(".stage")?.focus({ preventScroll: true });
    else if (this.state?.output.is_missing) this.#empty.querySelector("button")?.focus({ preventScroll: true });
    else if (!this.pad.element.hidden) this.pad.focus();
    else this.#answers.element.querySelector<HTMLElement>("select, input")?.focus({ preventScroll: true });
  }

  get isEditingComment(): boolean {
    return !this.#comment.hidden;
  }

  openComment(isEnabled: boolean): void {
    this.#comment.value = this.state?.held.comment ?? "";
    this.#comment.readOnly = !isEnabled;
    this.#comment.hidden = false;
    this.#comment.focus({ preventScroll: true });
  }

  closeComment(): string | undefined {
    if (this.#comment.hidden) return undefined;
    this.#comment.hidden = true;
    return this.#comment.value;
  }

  /** The class under the cursor, wherever in the panes that is; undefined takes the sign away. */
  point(at: OpenSeadragon.Point | undefined, name: (index: number) => string, isOwn: boolean): void {
    if (!at || !this.viewer.isOpen) {
      this.#readout.hidden = true;
      this.#cross.hidden = true;
      return;
    }
    const screen = this.viewer.screenPoint(at);
    const index = this.viewer.classAt(screen);
    this.#readout.hidden = index === undefined;
    if (index !== undefined) this.#readout.textContent = name(index);
    this.#cross.hidden = isOwn;
    this.#cross.style.translate = `${screen.x}px ${screen.y}px`;
  }

  mpp = 1;

  showScale(): void {
    if (!this.viewer.isOpen) return;
    const micronsPerPx = this.mpp / this.viewer.imageZoom();
    const { label, widthPx } = scaleBar(micronsPerPx, BAR_PX);
    this.#bar.style.width = `${widthPx}px`;
    this.#bar.textContent = label;
    this.#bar.dataset.magnification = magnification(micronsPerPx);
  }

  #showMissing(): void {
    const count = this.viewer.missing;
    this.#notice.hidden = count === 0;
    if (count === 0) return this.#notice.replaceChildren();
    this.#notice.replaceChildren(
      h("span", {}, `${count === 1 ? "1 tile is" : `${count} tiles are`} missing`),
      h("button", { type: "button", class: "button", tabindex: -1, onclick: () => this.#retry() }, "Retry"),
    );
  }

  /** Asks for what is missing again; the button goes, so the focus goes where the pane's is. */
  #retry(): void {
    this.focus();
    this.viewer.retry();
  }

  /** Says over the image why there is none. */
  say(sentence: string | null): void {
    this.#empty.hidden = sentence === null;
    if (sentence !== null) this.#empty.replaceChildren(h("p", {}, sentence));
  }
}
