/** What a rater does to a case, from the press to the outbox: each change is kept, shown as pending, and can be undone. */

import type { Flag, Scored } from "./api.ts";
import type { Drafts } from "./drafts.ts";
import type { Change, Held, History, Step } from "./history.ts";
import type { Answer, Draft, Entry, Outbox } from "./outbox.ts";
import { heldOf, isSame, type PaneState, type Reading } from "./reading.ts";
import type { CommentIn, CompleteIn, FlagIn, ReasonIn, ScoreIn, ViewIn } from "./service.ts";

type ChangeAction = "set" | "undo" | "redo";

/** What of the page a change needs. */
export interface Stage {
  /** The open case. */
  reading(): Reading | undefined;
  /** Opens the case, where it is not the open one; false where that cannot be. */
  open(assignment: string): Promise<boolean>;
  /** Shows the panes as they are now. */
  refresh(): void;
  activate(place: number): void;
  view(): ViewIn;
  say(sentence: string): void;
  warn(sentence: string): void;
}

export class Scoring {
  readonly history: History;
  readonly #outbox: Outbox;
  readonly #drafts: Drafts;
  readonly #stage: Stage;

  constructor(outbox: Outbox, drafts: Drafts, history: History, stage: Stage) {
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.history = history;
    this.#stage = stage;
  }

  /** Gives panes something else, as one step that can be undone. */
  change(changes: readonly { readonly pane: PaneState; readonly held: Held }[]): void {
    const reading = this.#stage.reading();
    const real = changes.filter(({ pane, held }) => !isSame(pane.held, held));
    if (!reading || real.length === 0) return;
    const step: Step = {
      assignment: reading.case.key,
      changes: real.map(({ pane, held }): Change => ({ output: pane.output.output, pane: pane.name, before: pane.held, after: held })),
    };
    this.history.record(step);
    this.#send(reading, step.changes.map((change) => ({ change, held: change.after })), "set");
  }

  /** Takes the last step back, in its case; false where that cannot be. */
  undo(): Promise<boolean> {
    return this.#replay("undo");
  }

  /** Does again what was undone last; false where that cannot be. */
  redo(): Promise<boolean> {
    return this.#replay("redo");
  }

  async #replay(action: "undo" | "redo"): Promise<boolean> {
    const step = action === "undo" ? this.history.undo() : this.history.redo();
    if (!step) {
      this.#stage.say(`Nothing to ${action}.`);
      return true;
    }
    const isOpen = await this.#stage.open(step.assignment);
    const reading = this.#stage.reading();
    if (!isOpen || !reading) return this.#giveBack(action, "The case cannot be opened.");
    if (reading.status === "done" || reading.status === "skipped") this.reopen(reading, action === "undo" ? "A score is undone." : "A score is redone.");
    if (reading.closedBecause !== null) return this.#giveBack(action, reading.closedBecause);
    this.#send(reading, step.changes.map((change) => ({ change, held: action === "undo" ? change.before : change.after })), action);
    const first = reading.pane(step.changes[0]?.output ?? "");
    if (first) this.#stage.activate(first.at);
    this.#stage.say(`${action === "undo" ? "Undone" : "Redone"}: ${step.changes.map((change) => change.pane).join(", ")}.`);
    return true;
  }

  /** The step is where it was. */
  #giveBack(action: "undo" | "redo", why: string): false {
    if (action === "undo") this.history.redo();
    else this.history.undo();
    this.#stage.warn(why);
    return false;
  }

  #send(reading: Reading, changes: readonly { readonly change: Change; readonly held: Held }[], action: ChangeAction): void {
    const group = changes.length > 1 ? crypto.randomUUID() : undefined;
    for (const { change, held } of changes) {
      const pane = reading.pane(change.output);
      if (!pane) continue;
      pane.held = held;
      pane.isPending = true;
      void this.#add(reading, {
        kind: "score",
        method: "PUT",
        path: `/v1/assignments/${reading.case.key}/scores/${change.output}`,
        body: { ...held, action, client_at: new Date().toISOString(), view: this.#stage.view(), ...(group ? { group } : {}) } satisfies ScoreIn,
        subject: subjectOf(reading.case.key, change.output),
        version: pane.version,
        label: `${reading.case.label}, output ${pane.name}`,
      }).then(() => this.#settleDraft(reading.case.key, change.output, held.comment));
    }
    this.#stage.refresh();
  }

  /** A comment that is kept in the outbox is no draft any more, unless it was typed on. */
  #settleDraft(assignment: string, output: string, comment: string): void {
    if (this.#drafts.find(assignment, output) === comment) this.#drafts.drop(assignment, output);
  }

  #add(reading: Reading, draft: Omit<Draft, "assignment">): Promise<Entry> {
    return this.#outbox.add({ ...draft, assignment: reading.case.key });
  }

  #post(reading: Reading, kind: Entry["kind"], path: string, body: Readonly<Record<string, unknown>>, method: "POST" | "PUT" = "POST"): Promise<Entry> {
    return this.#add(reading, {
      kind,
      method,
      path: `/v1/assignments/${reading.case.key}/${path}`,
      body,
      subject: null,
      version: null,
      label: reading.case.label,
    });
  }

  /** Resolves once the service knows what was done so far, or cannot be told for now. */
  settled(): Promise<void> {
    return this.#outbox.settled();
  }

  complete(reading: Reading): void {
    reading.status = "done";
    void this.#post(reading, "complete", "complete", {} satisfies CompleteIn);
  }

  reopen(reading: Reading, reason: string): void {
    reading.status = "open";
    void this.#post(reading, "reopen", "reopen", { reason } satisfies ReasonIn);
    this.#stage.refresh();
  }

  skip(reading: Reading, reason: string): void {
    reading.status = "skipped";
    void this.#post(reading, "skip", "skip", { reason } satisfies ReasonIn);
  }

  setFlag(reading: Reading, flag: Flag, isSet: boolean): void {
    const others = reading.flags.filter((each) => each.kind !== flag.kind || each.output !== flag.output);
    reading.flags = isSet ? [...others, flag] : others;
    void this.#post(reading, "flag", "flags", { ...flag, is_set: isSet } satisfies FlagIn, "PUT");
    this.#stage.refresh();
  }

  setComment(reading: Reading, comment: string): void {
    reading.comment = comment;
    void this.#post(reading, "comment", "comment", { comment } satisfies CommentIn, "PUT");
    this.#stage.refresh();
  }

  /** Lays what is on its way over a case as the service has it, and takes up words that were typed and not kept. */
  overlay(reading: Reading): void {
    const key = reading.case.key;
    for (const { kind, assignment, subject, body } of this.#outbox.entries) {
      if (assignment !== key) continue;
      if (kind === "complete") reading.status = "done";
      if (kind === "skip") reading.status = "skipped";
      if (kind === "reopen") reading.status = "open";
      if (kind === "comment") reading.comment = String(body.comment);
      const pane = kind === "score" ? reading.panes.find((each) => subjectOf(key, each.output.output) === subject) : undefined;
      if (!pane) continue;
      pane.held = heldOf(body as unknown as Held);
      pane.isPending = true;
    }
    if (reading.closedBecause !== null) return;
    for (const pane of reading.panes) {
      const draft = this.#drafts.find(key, pane.output.output);
      if (draft !== null && draft !== pane.held.comment) this.change([{ pane, held: { ...pane.held, comment: draft } }]);
      else if (draft !== null) this.#drafts.drop(key, pane.output.output);
    }
  }

  /** The service has taken a change. */
  delivered(entry: Entry, answer: Answer & { kind: "done" }): void {
    const [reading, pane] = this.#find(entry);
    if (!reading || !pane) return;
    const held = heldOf(answer.body as Scored);
    pane.saved = held;
    pane.version = (answer.body as Scored).version;
    pane.isPending = this.#outbox.isWaiting(entry.subject ?? "");
    this.#stage.refresh();
    if (!pane.isPending) this.#stage.say(`Output ${pane.name}: ${held.value === null ? "no score" : reading.word(held.value)}. Saved.`);
  }

  /** The service does not take a change: what it has is shown again. */
  refused(entry: Entry, sentence: string): void {
    const [, pane] = this.#find(entry);
    if (pane && !this.#outbox.isWaiting(entry.subject ?? "")) {
      pane.held = pane.saved;
      pane.isPending = false;
    }
    const reading = this.#stage.reading();
    if (entry.kind === "complete" && reading?.case.key === entry.assignment) reading.status = "open";
    this.#stage.refresh();
    this.#stage.warn(`${entry.label} was not saved: ${sentence}`);
  }

  /** What is there was taken in place of one's own. */
  yielded(entries: readonly Entry[], current: unknown, version: number): void {
    const entry = entries[0];
    if (!entry) return;
    const [reading, pane] = this.#find(entry);
    const output = entry.subject?.split("/")[1] ?? "";
    this.history.forget(output);
    this.#drafts.drop(entry.assignment, output);
    if (!reading || !pane) return;
    pane.saved = heldOf(current as Scored);
    pane.held = pane.saved;
    pane.version = version;
    pane.isPending = false;
    this.#stage.refresh();
  }

  #find(entry: Entry): [Reading | undefined, PaneState | undefined] {
    const reading = this.#stage.reading();
    if (!reading || reading.case.key !== entry.assignment) return [undefined, undefined];
    return [reading, reading.panes.find((pane) => subjectOf(reading.case.key, pane.output.output) === entry.subject)];
  }
}

export function subjectOf(assignment: string, output: string): string {
  return `${assignment}/${output}`;
}
