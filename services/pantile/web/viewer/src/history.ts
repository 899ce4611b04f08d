/** What can be undone: steps over all cases of this tab, each with what every touched pane held before and after. */

import type { Scored } from "./api.ts";

/** What a pane holds. */
export type Held = Pick<Scored, "value" | "answers" | "comment">;

export interface Change {
  readonly output: string;
  readonly pane: string;
  readonly before: Held;
  readonly after: Held;
}

/** One step: of one pane, or of all for score-all. */
export interface Step {
  readonly assignment: string;
  readonly changes: readonly Change[];
}

/** Where steps are kept over a reload. */
export interface StepStore {
  load(): string | null;
  save(text: string): void;
}

const MOST_STEPS = 200;

export class History {
  readonly #store: StepStore;
  #undone: Step[] = [];
  #done: Step[] = [];

  constructor(store: StepStore) {
    this.#store = store;
    const kept = parse(store.load());
    this.#done = kept.done;
    this.#undone = kept.undone;
  }

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** A step was taken; what had been undone can no longer be redone. */
  record(step: Step): void {
    this.#done = [...this.#done, step].slice(-MOST_STEPS);
    this.#undone = [];
    this.#keep();
  }

  /** The step to take back, undefined where there is none; it can be redone. */
  undo(): Step | undefined {
    const step = this.#done.pop();
    if (step) this.#undone.push(step);
    this.#keep();
    return step;
  }

  /** The step to take again. */
  redo(): Step | undefined {
    const step = this.#undone.pop();
    if (step) this.#done.push(step);
    this.#keep();
    return step;
  }

  /** Forgets the steps of a pane that somebody else has changed: taking them back would overwrite what they wrote. */
  forget(output: string): void {
    const isOther = (step: Step): boolean => step.changes.every((change) => change.output !== output);
    this.#done = this.#done.filter(isOther);
    this.#undone = this.#undone.filter(isOther);
    this.#keep();
  }

  #keep(): void {
    this.#store.save(JSON.stringify({ done: this.#done, undone: this.#undone }));
  }
}

function parse(text: string | null): { done: Step[]; undone: Step[] } {
  if (text === null) return { done: [], undone: [] };
  try {
    const kept = JSON.parse(text) as { done?: unknown; undone?: unknown };
    if (Array.isArray(kept.done) && Array.isArray(kept.undone)) return { done: kept.done, undone: kept.undone };
  } catch {
    // Whatever stands there is not ours: begin anew.
  }
  return { done: [], undone: [] };
}
