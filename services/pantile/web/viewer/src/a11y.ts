/** What is said to those who do not see it happen: in turn where it can wait, at once where it cannot. */

import { h } from "./dom.ts";

export class Announcer {
  readonly element: HTMLElement;
  readonly #polite = h("div", { role: "status", "aria-live": "polite", "data-says": "polite" });
  readonly #assertive = h("div", { role: "alert", "aria-live": "assertive", "data-says": "assertive" });

  constructor() {
    this.element = h("div", { class: "unseen" }, this.#polite, this.#assertive);
  }

  /** Says it when there is a pause. */
  say(sentence: string): void {
    put(this.#polite, sentence);
  }

  /** Says it now. */
  warn(sentence: string): void {
    put(this.#assertive, sentence);
  }
}

/** The same sentence twice is said twice: a new node is a change. */
function put(region: HTMLElement, sentence: string): void {
  region.replaceChildren(h("p", {}, sentence));
}
