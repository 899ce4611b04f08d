/** An open case: what each pane holds, what of it is saved, and what is still to do. */

import type { Case, Flag, Output, Question, Status } from "./api.ts";
import type { Held } from "./history.ts";

export const NOTHING: Held = { value: null, answers: {}, comment: "" };

/** The part of an answer that a pane holds. */
export function heldOf({ value, answers, comment }: Held): Held {
  return { value, answers, comment };
}

/** One output of the case with what the rater gave it. */
export interface PaneState {
  readonly at: number;
  readonly name: string;
  readonly output: Output;
  held: Held;
  /** What the service has. */
  saved: Held;
  version: number;
  isPending: boolean;
  /** The rater scores although tiles are missing. */
  isConfirmed: boolean;
}

export class Reading {
  readonly case: Case;
  readonly panes: readonly PaneState[];
  /** The active output's place. */
  active: number;
  status: Status;
  comment: string;
  flags: readonly Flag[];

  constructor(opened: Case) {
    this.case = opened;
    this.status = opened.status;
    this.comment = opened.comment;
    this.flags = opened.flags;
    this.panes = opened.panes.map((output, at) => {
      const saved = heldOf(output.score ?? NOTHING);
      const version = output.score?.version ?? 0;
      return { at, name: output.pane, output, held: saved, saved, version, isPending: false, isConfirmed: false };
    });
    this.active = Math.max(0, this.#find(0) ?? this.panes.findIndex((pane) => !pane.output.is_missing));
  }

  get questions(): readonly Question[] {
    return this.case.study.questions;
  }

  /** Whether a number from 0 to 10 is asked for. */
  get isScored(): boolean {
    return this.questions.length === 0 || this.questions.some((question) => question.kind === "score");
  }

  /** Whether nothing can be changed any more, and why. */
  get closedBecause(): string | null {
    const { state } = this.case.study;
    if (!this.case.is_own) return "This is somebody else's case: it can be read.";
    if (state === "draft") return "The study has not been published yet.";
    if (state === "locked") return "The study is locked: scores can be read and no longer changed.";
    if (state === "unblinded") return "The study is unblinded: scores can be read and no longer changed.";
    if (this.status === "withdrawn") return "This case was withdrawn: there is nothing to be seen or scored any more.";
    if (this.status === "skipped") return "This case was skipped.";
    return this.status === "done" ? "This case is complete." : null;
  }

  /** Whether all that is required of a pane is given; nothing is required of an output that is missing. */
  isDone({ output, held }: PaneState): boolean {
    if (output.is_missing) return true;
    if (this.isScored && held.value === null) return false;
    return this.questions.every((question) => !question.is_required || question.kind === "score" || isGiven(held.answers[question.number]));
  }

  /** The panes that are still to be done. */
  get open(): readonly PaneState[] {
    return this.panes.filter((pane) => !this.isDone(pane));
  }

  /** The next pane to be done after this one, going round. */
  nextOpen(after: number): number | undefined {
    return this.#find(after + 1) ?? this.#find(0);
  }

  pane(output: string): PaneState | undefined {
    return this.panes.find((pane) => pane.output.output === output);
  }

  /** The word for a score, "8 – excellent", "7" where it has none. */
  word(value: number): string {
    const anchor = this.case.study.anchors[String(value)];
    return anchor ? `${value} – ${anchor}` : String(value);
  }

  #find(from: number): number | undefined {
    return this.panes.find((pane) => pane.at >= from && !this.isDone(pane))?.at;
  }
}

function isGiven(answer: unknown): boolean {
  return Array.isArray(answer) ? answer.length > 0 : answer !== undefined && answer !== null && answer !== "";
}

/** Whether two panes hold the same. */
export function isSame(one: Held, other: Held): boolean {
  return one.value === other.value && one.comment === other.comment && JSON.stringify(sorted(one.answers)) === JSON.stringify(sorted(other.answers));
}

function sorted(answers: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(answers).filter(([, answer]) => isGiven(answer)).toSorted(([one], [other]) => one.localeCompare(other));
}
