/** What can be undone and done again: every state that something went through, one after the other. */

const MOST = 500;

export class Steps<T> {
  #states: T[];
  #at = 0;
  #last = "";

  constructor(first: T) {
    this.#states = [first];
  }

  get now(): T {
    return this.#states[this.#at]!;
  }

  get canUndo(): boolean {
    return this.#at > 0;
  }

  get canRedo(): boolean {
    return this.#at < this.#states.length - 1;
  }

  /** Goes on to a state. Those that were undone are gone; steps with one name in a row, as keys that are held make, are one. */
  take(state: T, name = ""): void {
    const goesOn = name !== "" && name === this.#last && this.canUndo && !this.canRedo;
    this.#states.length = goesOn ? this.#at : this.#at + 1;
    this.#states.push(state);
    if (this.#states.length > MOST) this.#states.shift();
    this.#at = this.#states.length - 1;
    this.#last = name;
  }

  /** The next step is one of its own, whatever its name. */
  pause(): void {
    this.#last = "";
  }

  undo(): boolean {
    return this.#go(-1);
  }

  redo(): boolean {
    return this.#go(1);
  }

  #go(by: number): boolean {
    const to = this.#at + by;
    if (to < 0 || to >= this.#states.length) return false;
    this.#at = to;
    this.#last = "";
    return true;
  }
}
