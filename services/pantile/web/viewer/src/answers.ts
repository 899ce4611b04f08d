/** What a study asks besides a score: one choice, several, or words; a small form under the pane. */

import type { Question } from "./api.ts";
import { h } from "./dom.ts";
import type { Held } from "./history.ts";

type Answers = Held["answers"];
type Answer = Answers[string];

export class AnswerForm {
  readonly element = h("div", { class: "answers" });
  readonly #change: (answers: Answers) => void;
  readonly #name: string;
  #answers: Answers = {};
  #fields: { readonly number: string; show(answer: Answer | undefined, isEnabled: boolean): void }[] = [];
  #asked: readonly Question[] = [];

  constructor(name: string, change: (answers: Answers) => void) {
    this.#name = name;
    this.#change = change;
  }

  /** Shows these questions with what was answered. */
  show(questions: readonly Question[], answers: Answers, isEnabled: boolean): void {
    this.#answers = answers;
    if (questions !== this.#asked) this.#ask(questions);
    this.element.hidden = this.#fields.length === 0;
    for (const field of this.#fields) field.show(answers[field.number], isEnabled);
  }

  #ask(questions: readonly Question[]): void {
    this.#asked = questions;
    const asked = questions.filter((question) => question.kind !== "score");
    this.#fields = [];
    this.element.replaceChildren(...asked.map((question) => this.#field(question)));
  }

  #field(question: Question): HTMLElement {
    const number = String(question.number);
    const label = `${question.prompt}${question.is_required ? "" : " (optional)"}`;
    if (question.kind === "choices") return this.#choices(question, number, label);
    const field =
      question.kind === "choice"
        ? h("select", {}, h("option", { value: "" }, "–"), ...question.options.map((option) => h("option", { value: option }, option)))
        : h("input", { type: "text", maxlength: 2000 });
    field.setAttribute("aria-label", `${label}, ${this.#name}`);
    field.addEventListener("change", () => this.#put(number, field.value === "" ? undefined : field.value));
    this.#fields.push({
      number,
      show: (answer, isEnabled) => {
        if (document.activeElement !== field || question.kind === "choice") field.value = typeof answer === "string" ? answer : "";
        field.disabled = !isEnabled;
      },
    });
    return h("label", { class: "question" }, h("span", {}, label), field);
  }

  #choices(question: Question, number: string, label: string): HTMLElement {
    const boxes = question.options.map((option) => {
      const box = h("input", { type: "checkbox", value: option });
      box.addEventListener("change", () => {
        const chosen = boxes.filter((each) => each.checked).map((each) => each.value);
        this.#put(number, chosen.length > 0 ? chosen : undefined);
      });
      return box;
    });
    this.#fields.push({
      number,
      show: (answer, isEnabled) => {
        const chosen = answer instanceof Array ? answer : [];
        for (const box of boxes) {
          box.checked = chosen.includes(box.value);
          box.disabled = !isEnabled;
        }
      },
    });
    return h(
      "fieldset",
      { class: "question" },
      h("legend", {}, `${label}`, h("span", { class: "unseen" }, `, ${this.#name}`)),
      ...boxes.map((box) => h("label", {}, box, box.value)),
    );
  }

  #put(number: string, answer: Answer | undefined): void {
    const { [number]: _before, ...others } = this.#answers;
    this.#change(answer === undefined ? others : { ...others, [number]: answer });
  }
}
