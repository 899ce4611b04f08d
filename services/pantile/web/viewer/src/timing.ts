/** How long a case was looked at: active while the page is seen and used, idle after a minute without input. */

export const IDLE_AFTER_MS = 60_000;

export interface Spent {
  readonly active_ms: number;
  readonly idle_ms: number;
}

/** A clock that is told of input and visibility, and gives what has passed since it was last asked. */
export class ActivityClock {
  readonly #now: () => number;
  #isVisible: boolean;
  #at: number;
  #lastInput: number;
  #activeMs = 0;
  #idleMs = 0;

  constructor(now: () => number, isVisible = true) {
    this.#now = now;
    this.#isVisible = isVisible;
    this.#at = now();
    this.#lastInput = this.#at;
  }

  /** The person pressed, moved or typed something. */
  noteInput(): void {
    this.#count();
    this.#lastInput = this.#at;
  }

  /** The page was hidden or came back; time in between counts as neither. */
  setVisible(isVisible: boolean): void {
    this.#count();
    this.#isVisible = isVisible;
    if (isVisible) this.#lastInput = this.#at;
  }

  /** Takes what has been counted since the last time. */
  take(): Spent {
    this.#count();
    const spent = { active_ms: Math.round(this.#activeMs), idle_ms: Math.round(this.#idleMs) };
    this.#activeMs = 0;
    this.#idleMs = 0;
    return spent;
  }

  #count(): void {
    const now = this.#now();
    if (this.#isVisible) {
      const idleFrom = Math.min(now, Math.max(this.#at, this.#lastInput + IDLE_AFTER_MS));
      this.#activeMs += idleFrom - this.#at;
      this.#idleMs += now - idleFrom;
    }
    this.#at = now;
  }
}
