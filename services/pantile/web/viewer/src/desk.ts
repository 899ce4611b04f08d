/** What a rater does with a case at the scoring page: scores, comments, flags, and where to go from it. */

import type { Announcer } from "./a11y.ts";
import { Problem, type Api, type EventList, type FlagKind, type NextCase } from "./api.ts";
import { ask, askText } from "./dialogs.ts";
import { h } from "./dom.ts";
import type { Keymap } from "./keys.ts";
import type { Pane } from "./pane.ts";
import type { Panes } from "./panes.ts";
import type { Reading } from "./reading.ts";
import { askFlag, askScoreAll, showEvents } from "./remarks.ts";
import type { Scoring } from "./scoring.ts";
import type { Settings } from "./settings.ts";

/** What of the page is needed for it. */
export interface Page {
  readonly api: Api;
  readonly settings: Settings;
  readonly scoring: Scoring;
  readonly panes: Panes;
  readonly announcer: Announcer;
  keymap(): Keymap;
  reading(): Reading | undefined;
  activePane(): Pane | undefined;
  activate(place: number): void;
  open(assignment: string): Promise<boolean>;
  act(action: string): void;
}

const UNDO_OFFER_MS = 5000;

export class Desk {
  /** What was done to all outputs at once, and for a while the way back. */
  readonly chip = h("div", { class: "chip", role: "group", "aria-label": "Last step", hidden: true });
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async score(pane: Pane | undefined, value: number | null, advances: boolean): Promise<void> {
    const reading = this.#page.reading();
    const state = pane?.state;
    if (!reading || !state || !pane || !(await this.#mayChange(reading, [pane]))) return;
    if (!reading.isScored) return this.#page.announcer.say("This study asks for no score here.");
    this.#page.scoring.change([{ pane: state, held: { ...state.held, value } }]);
    const next = advances && this.#page.settings.value.advance && reading.isDone(state) ? reading.nextOpen(state.at) : undefined;
    if (this.#page.reading() === reading) this.#page.activate(next ?? state.at);
  }

  /** Whether panes can be changed: not where the case is closed or nothing is there; after a question where tiles are missing. */
  async #mayChange(reading: Reading, panes: readonly Pane[]): Promise<boolean> {
    if (reading.closedBecause !== null) {
      this.#page.announcer.warn(reading.closedBecause);
      return false;
    }
    if (panes.some((pane) => pane.state?.output.is_missing)) {
      this.#page.announcer.say("There is no output to score here.");
      return false;
    }
    const unsure = panes.filter((pane) => pane.state && !pane.state.isConfirmed && (pane.viewer.missing > 0 || this.#page.panes.reference.viewer.missing > 0));
    if (unsure.length === 0) return true;
    const answer = await ask({
      title: "Tiles are missing",
      content: ["Not all of the region can be seen here. Score it all the same?"],
      choices: [
        { label: "Not yet", value: "" },
        { label: "Score it all the same", value: "score", isMain: true },
      ],
    });
    if (answer !== "score") return false;
    for (const pane of unsure) if (pane.state) pane.state.isConfirmed = true;
    return true;
  }

  #step(by: number): void {
    const value = this.#page.activePane()?.state?.held.value ?? null;
    if (value === null) return this.#page.announcer.say("Not scored yet: press a digit first.");
    const next = Math.min(10, Math.max(0, value + by));
    if (next !== value) void this.score(this.#page.activePane(), next, false);
  }

  async #scoreAll(): Promise<void> {
    const reading = this.#page.reading();
    const panes = this.#page.panes.outputs.filter((pane) => pane.state && !pane.state.output.is_missing);
    if (!reading?.isScored || !(await this.#mayChange(reading, panes))) return;
    const value = await askScoreAll(reading, panes.length, this.#page.keymap());
    if (value === undefined || this.#page.reading() !== reading) return;
    this.#page.scoring.change(panes.map((pane) => ({ pane: pane.state!, held: { ...pane.state!.held, value } })));
    this.#offerUndo(`All outputs: ${value === null ? "no score" : reading.word(value)}.`);
  }

  #offerUndo(sentence: string): void {
    this.chip.replaceChildren(h("p", {}, sentence), h("button", { type: "button", class: "button", onclick: () => this.#page.act("undo") }, "Undo"));
    this.chip.hidden = false;
    setTimeout(() => {
      if (this.chip.contains(document.activeElement)) this.#page.activePane()?.focus();
      this.chip.hidden = true;
    }, UNDO_OFFER_MS);
    this.#page.announcer.say(`${sentence} Undo takes all of it back.`);
  }

  endComment(pane: Pane): void {
    const hadFocus = pane.element.contains(document.activeElement);
    const text = pane.closeComment();
    if (text === undefined) return;
    if (pane.state && this.#page.reading()?.closedBecause === null) this.#page.scoring.change([{ pane: pane.state, held: { ...pane.state.held, comment: text } }]);
    if (hadFocus) pane.focus();
  }

  keepComment(): void {
    for (const pane of this.#page.panes.outputs) if (pane.isEditingComment) this.endComment(pane);
  }

  async flag(pane: Pane | undefined, kind: FlagKind = "difficult"): Promise<void> {
    const reading = this.#page.reading();
    if (!reading?.case.is_own) return;
    const choice = await askFlag(reading, pane?.state, kind);
    if (choice && this.#page.reading() === reading) this.#page.scoring.setFlag(reading, choice.flag, choice.isSet);
  }

  async #commentCase(): Promise<void> {
    const reading = this.#page.reading();
    if (!reading?.case.is_own) return;
    const comment = await askText("Comment on the case", `Comment on ${reading.case.label}`, { value: reading.comment });
    if (comment !== null && comment !== reading.comment && this.#page.reading() === reading) this.#page.scoring.setComment(reading, comment);
  }

  /** Completes the case and goes on; where something is left to do, goes there and says so. */
  async #complete(): Promise<boolean> {
    const reading = this.#page.reading();
    if (!reading) return false;
    this.keepComment();
    const open = reading.open;
    if (reading.status !== "done" && reading.status !== "skipped") {
      if (reading.closedBecause !== null) {
        this.#page.announcer.warn(reading.closedBecause);
        return false;
      }
      if (open.length > 0) {
        this.#page.activate(open[0]!.at);
        this.#page.announcer.warn(`Not scored yet: ${open.map((pane) => pane.name).join(", ")}.`);
        return false;
      }
      this.#page.scoring.complete(reading);
    }
    return this.#goOn(reading);
  }

  #goOn(reading: Reading): Promise<boolean> {
    return reading.case.next === null ? this.#goUnscored(reading) : this.#page.open(reading.case.next);
  }

  async #goUnscored(reading: Reading): Promise<boolean> {
    const path = `/v1/studies/${encodeURIComponent(reading.case.study.name)}/next?after=${reading.case.key}&unscored=true`;
    try {
      // The service tells what is unscored by what it has.
      await this.#page.scoring.settled();
      const { key } = await this.#page.api.get<NextCase>(path);
      return await this.#page.open(key);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) {
        this.#page.announcer.warn(error instanceof Error ? error.message : String(error));
        return false;
      }
      const queue = `/studies/${encodeURIComponent(reading.case.study.name)}/queue`;
      const answer = await ask({
        title: "Nothing left to score",
        content: ["All cases that you were given are scored. Thank you."],
        choices: [
          { label: "Stay here", value: "" },
          { label: "To the queue", value: "queue", isMain: true },
        ],
      });
      if (answer === "queue") location.assign(queue);
      return false;
    }
  }

  async #skip(): Promise<boolean> {
    const reading = this.#page.reading();
    if (!reading || reading.closedBecause !== null) return false;
    const reason = await askText("Skip this case", "Why can it not be scored?", { isRequired: true, take: "Skip" });
    if (reason === null || this.#page.reading() !== reading) return false;
    this.#page.scoring.skip(reading, reason);
    return this.#goOn(reading);
  }

  async #reopen(): Promise<void> {
    const reading = this.#page.reading();
    if (!reading) return;
    const reason = await askText("Reopen this case", "Why is it opened again?", { isRequired: true, take: "Reopen" });
    if (reason !== null && this.#page.reading() === reading) this.#page.scoring.reopen(reading, reason);
  }

  async #more(): Promise<void> {
    const answer = await ask({
      title: "This case",
      choices: [
        { label: "Close", value: "" },
        { label: "Comment on the case", value: "case-comment" },
        { label: "Next unscored case", value: "unscored" },
        { label: "Calibration examples", value: "calibration" },
        { label: "History", value: "history" },
        { label: "Skip…", value: "skip" },
      ],
    });
    if (answer !== "") this.#page.act(answer);
  }

  async #showHistory(): Promise<void> {
    const reading = this.#page.reading();
    if (!reading) return;
    try {
      const { events } = await this.#page.api.get<EventList>(`/v1/assignments/${reading.case.key}/events`);
      await showEvents(reading, events);
    } catch (error) {
      this.#page.announcer.warn(error instanceof Error ? error.message : String(error));
    }
  }

  #go(way: "previous" | "next"): Promise<boolean> | void {
    const key = this.#page.reading()?.case[way] ?? null;
    if (key === null) return this.#page.announcer.say(`There is no ${way} case.`);
    return this.#page.open(key);
  }

  #goSample(tissueType: "tumor" | "normal"): Promise<boolean> | void {
    const reading = this.#page.reading();
    if (!reading || reading.case.tissue_type === tissueType) return;
    const key = reading.case.sample[tissueType] ?? null;
    if (key === null) return this.#page.announcer.say(`You have no ${tissueType} region of this sample.`);
    return this.#page.open(key);
  }

  /** What may lead to another case: in the end it is told whether that is there. */
  readonly ways: Readonly<Record<string, () => Promise<boolean> | void>> = {
    undo: () => {
      this.keepComment();
      return this.#page.scoring.undo();
    },
    redo: () => this.#page.scoring.redo(),
    complete: () => this.#complete(),
    previous: () => this.#go("previous"),
    next: () => this.#go("next"),
    unscored: () => {
      const reading = this.#page.reading();
      return reading && this.#goUnscored(reading);
    },
    tumor: () => this.#goSample("tumor"),
    normal: () => this.#goSample("normal"),
    skip: () => this.#skip(),
  };

  readonly actions: Readonly<Record<string, () => void>> = {
    clear: () => void this.score(this.#page.activePane(), null, false),
    up: () => this.#step(1),
    down: () => this.#step(-1),
    "score-all": () => void this.#scoreAll(),
    comment: () => this.#page.activePane()?.openComment(this.#page.reading()?.closedBecause === null),
    "case-comment": () => void this.#commentCase(),
    flag: () => void this.flag(this.#page.activePane()),
    more: () => void this.#more(),
    history: () => void this.#showHistory(),
    reopen: () => void this.#reopen(),
  };
}
