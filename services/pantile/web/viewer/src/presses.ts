/** What keys and buttons ask for, in its order: what comes while a case is being opened means that case, and waits for it. */

export interface Doing {
  /** Does what is asked for; where that leads to another case, tells in the end whether it is there. */
  act(action: string): Promise<boolean> | void;
  /** Whether a field or a dialog has the keyboard. */
  isTyping(): boolean;
  /** A case is on its way, or not any more. */
  going(isGoing: boolean): void;
}

export class Presses {
  readonly #doing: Doing;
  readonly #waiting: string[] = [];
  #isGoing = false;

  constructor(doing: Doing) {
    this.#doing = doing;
  }

  press(action: string): void {
    if (this.#isGoing) {
      this.#waiting.push(action);
      return;
    }
    const going = this.#doing.act(action);
    if (going) void this.#follow(going);
  }

  /** Does what was asked for meanwhile, each in a turn of its own, as keys are; drops it where it was meant for what did not come. */
  async #follow(going: Promise<boolean>): Promise<void> {
    this.#go(true);
    try {
      for (let isThere = await going; isThere && !this.#doing.isTyping(); ) {
        const action = this.#waiting.shift();
        if (action === undefined) return;
        isThere = (await this.#doing.act(action)) ?? true;
        await new Promise((resolve) => setTimeout(resolve));
      }
    } finally {
      this.#waiting.length = 0;
      this.#go(false);
    }
  }

  #go(isGoing: boolean): void {
    this.#isGoing = isGoing;
    this.#doing.going(isGoing);
  }
}
