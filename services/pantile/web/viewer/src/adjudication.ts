/** An adjudication: the same panes, the readings of one output without names, and one consensus to sign. */

import type { AdjudicationCase, Api } from "./api.ts";
import { h } from "./dom.ts";
import { ScorePad } from "./scorepad.ts";
import type { SignIn } from "./service.ts";

type OneReading = NonNullable<AdjudicationCase["first"]>;

export interface AdjudicationEvents {
  word(value: number): string;
  say(sentence: string): void;
  warn(sentence: string): void;
  hasShortcuts(): boolean;
}

export class AdjudicationPanel {
  readonly element = h("section", { class: "adjudication", "aria-label": "Adjudication" });
  readonly #api: Api;
  readonly #path: string;
  readonly #events: AdjudicationEvents;
  readonly #pad: ScorePad;
  readonly #rationale = h("textarea", { rows: 2, maxlength: 2000, "aria-label": "Why" });
  readonly #password = h("input", { type: "password", autocomplete: "current-password", "aria-label": "Your password, to sign" });
  readonly #problem = h("p", { class: "problem", role: "alert" });
  #shown: AdjudicationCase;
  #value: number | null = null;

  constructor(api: Api, path: string, shown: AdjudicationCase, events: AdjudicationEvents) {
    this.#api = api;
    this.#path = path;
    this.#events = events;
    this.#shown = shown;
    this.#pad = new ScorePad({
      name: "the consensus",
      word: (value) => events.word(value),
      choose: (value) => this.choose(value),
      hasShortcuts: () => events.hasShortcuts(),
    });
    this.#show();
  }

  /** Chooses the consensus; it counts once it is signed. */
  choose(value: number | null): void {
    if (!this.#shown.is_mine) return this.#events.warn("Claim it first.");
    this.#value = value;
    this.#pad.show(value, true, true);
    if (value !== null) this.#events.say(`Consensus ${this.#events.word(value)}, not signed yet.`);
  }

  #show(): void {
    const { first, second, others, state, is_mine, is_claimed, pane, value, rationale } = this.#shown;
    const readings = [["First", first], ["Second", second], ...others.map((other, at) => [`Reading ${at + 3}`, other] as const)] as const;
    const told = h(
      "dl",
      { class: "readings" },
      ...readings.flatMap(([title, reading]) => (reading ? [h("dt", {}, title), h("dd", {}, this.#describe(reading))] : [])),
    );
    this.#pad.show(state === "signed" ? value : this.#value, state === "open", is_mine && state === "open");
    const parts: Node[] = [h("h2", {}, `Output ${pane}`), told];
    if (state === "signed") parts.push(this.#pad.element, h("p", {}, `Signed: ${rationale}`));
    else if (is_mine)
      parts.push(
        this.#pad.element,
        h("label", { class: "field" }, "Why", this.#rationale),
        h("label", { class: "field" }, "Password", this.#password),
        this.#button("Sign", () => void this.#sign(), true),
        this.#button("Give back", () => void this.#post("release", {})),
      );
    else parts.push(h("p", {}, is_claimed ? "Somebody else is at it." : "Nobody is at it."), this.#button("Claim", () => void this.#claim(), true));
    this.element.replaceChildren(...parts, this.#problem);
  }

  #describe({ value, comment, flags }: OneReading): string {
    const words = flags.map((flag) => `⚑ ${flag.kind}${flag.note ? `: ${flag.note}` : ""}`);
    return [value === null ? "no score" : this.#events.word(value), comment && `“${comment}”`, ...words].filter(Boolean).join(" · ");
  }

  #button(label: string, act: () => void, isMain = false): HTMLElement {
    return h("button", { type: "button", class: isMain ? "button is-main" : "button", onclick: act }, label);
  }

  async #claim(): Promise<void> {
    if (!(await this.#post("claim", {}))) return;
    this.#shown = { ...this.#shown, is_mine: true, is_claimed: true };
    this.#show();
    this.#pad.focus();
  }

  async #sign(): Promise<void> {
    if (this.#value === null) return this.#refuse("Choose the consensus first.");
    if (this.#rationale.value.trim() === "") return this.#refuse("Please say why.");
    const body: SignIn = { value: this.#value, rationale: this.#rationale.value.trim(), password: this.#password.value };
    if (await this.#post("sign", body)) this.#events.say("Signed. The first scores stay as they are.");
  }

  async #post(what: string, body: object): Promise<boolean> {
    try {
      const answer = await this.#api.send<Partial<AdjudicationCase>>("POST", `${this.#path}/${what}`, body);
      this.#problem.textContent = "";
      this.#password.value = "";
      this.#shown = { ...this.#shown, ...answer };
      this.#show();
      return true;
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #refuse(sentence: string): void {
    this.#problem.textContent = sentence;
  }
}
