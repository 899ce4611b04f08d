/** The bar above the panes: where one is, whether all is saved, and what can be done with the case. */

import { h, toolButton } from "./dom.ts";
import type { Entry, State } from "./outbox.ts";
import type { Reading } from "./reading.ts";

export type Act = (action: string) => void;

const STATES: Readonly<Record<State, string>> = {
  saved: "Saved",
  saving: "Saving",
  offline: "Offline",
  "signed-out": "Signed out",
  conflict: "Changed elsewhere",
};

export class Header {
  readonly element: HTMLElement;
  readonly banner = h("div", { class: "banner", role: "group", "aria-label": "Notice", hidden: true });
  readonly #queue = h("a", { class: "tool", href: "/", title: "Back to the queue", "aria-label": "Back to the queue" }, "☰");
  readonly #where = h("h1", {});
  readonly #count = h("p", { class: "count" });
  readonly #progress = h("progress", { "aria-label": "Cases done" });
  readonly #state = h("p", { class: "state", "data-state": "saved" }, "Saved");
  readonly #undo: HTMLButtonElement;
  readonly #redo: HTMLButtonElement;
  readonly #flag: HTMLButtonElement;
  readonly #tumor: HTMLButtonElement;
  readonly #normal: HTMLButtonElement;
  readonly #complete: HTMLButtonElement;
  readonly #previous: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  readonly #act: Act;

  constructor(act: Act) {
    this.#act = act;
    this.#undo = toolButton("↶ Undo", "Undo", () => act("undo"));
    this.#redo = toolButton("↷", "Redo", () => act("redo"));
    this.#flag = toolButton("⚑ Flag", "Flag", () => act("flag"));
    this.#tumor = toolButton("Tumor", "The sample's tumor region", () => act("tumor"));
    this.#normal = toolButton("Normal", "The sample's normal region", () => act("normal"));
    this.#complete = toolButton("Complete ⏎", "Complete the case and go on", () => act("complete"), { class: "tool is-main" });
    this.#previous = toolButton("‹", "Previous case", () => act("previous"));
    this.#next = toolButton("›", "Next case", () => act("next"));
    this.element = h(
      "header",
      { class: "bar" },
      h("nav", { class: "group", "aria-label": "Cases" }, this.#queue, this.#previous, this.#next),
      h("div", { class: "where" }, this.#where, this.#count, this.#progress),
      h("div", { class: "group" }, this.#tumor, this.#normal),
      this.#state,
      h(
        "div",
        { class: "group", role: "group", "aria-label": "This case" },
        this.#undo,
        this.#redo,
        toolButton("✎", "Comment on the active pane", () => act("comment")),
        this.#flag,
        toolButton("Score all", "Score all panes", () => act("score-all")),
        toolButton("⋯", "More: case comment, skip, history, examples", () => act("more")),
        toolButton("?", "Help, keys and settings", () => act("help"), { "data-action": "help" }),
        this.#complete,
      ),
    );
  }

  show(reading: Reading, history: { readonly canUndo: boolean; readonly canRedo: boolean }): void {
    const { case: open } = reading;
    const tissue = { tumor: "Tumor", normal: "Normal" }[open.tissue_type ?? ""];
    this.#where.textContent = [reading.case.roi_name ?? open.cohort, tissue].filter(Boolean).join(" · ");
    const round = open.purpose === "primary" ? "" : ` · ${open.purpose}`;
    this.#count.textContent = `${open.label} of ${open.total}${round}`;
    this.#progress.max = Math.max(1, open.total);
    this.#progress.value = open.done;
    this.#progress.title = `${open.done} of ${open.total} done`;
    this.#queue.href = `/studies/${encodeURIComponent(open.study.name)}/queue`;
    this.#undo.disabled = !history.canUndo;
    this.#redo.disabled = !history.canRedo;
    this.#previous.disabled = open.previous === null;
    this.#next.disabled = open.next === null;
    this.#flag.classList.toggle("is-set", reading.flags.length > 0);
    for (const [button, tissueType] of [[this.#tumor, "tumor"], [this.#normal, "normal"]] as const) {
      const isThis = open.tissue_type === tissueType;
      button.disabled = !isThis && (open.sample[tissueType] ?? null) === null;
      button.setAttribute("aria-pressed", String(isThis));
    }
    const isComplete = reading.open.length === 0;
    this.#complete.classList.toggle("is-ready", isComplete && reading.closedBecause === null);
    document.title = `${open.label} · ${open.study.title} · Pantile`;
  }

  /** The bar of an adjudication: nothing of a rater's in it. */
  showAdjudication(study: string): void {
    this.#queue.href = `/studies/${encodeURIComponent(study)}/adjudication`;
    this.#state.hidden = true;
    this.#complete.hidden = true;
    for (const group of this.element.querySelectorAll<HTMLElement>('[aria-label="This case"] > :not([data-action="help"])')) group.hidden = true;
  }

  showState(state: State, waiting: readonly Entry[]): void {
    const scores = waiting.filter((entry) => entry.kind === "score").length;
    const count = scores > 0 ? `${scores} ${scores === 1 ? "score" : "scores"}` : `${waiting.length} ${waiting.length === 1 ? "change" : "changes"}`;
    this.#state.dataset.state = state;
    this.#state.textContent = state === "saved" || waiting.length === 0 ? STATES[state] : `${STATES[state]} · ${count}`;
    if (state === "offline") this.#tell("offline", `The service does not answer. ${count} kept in this browser; sent as soon as it does.`);
    else if (state === "signed-out") this.#tell("signed-out", `Your session has ended. ${count} kept in this browser.`, "Sign in again", "sign-in");
    else if (this.banner.dataset.about === "offline" || this.banner.dataset.about === "signed-out") this.untell();
  }

  /** Says something that stays, with at most one thing to do about it. */
  #tell(about: string, sentence: string, label?: string, action?: string): void {
    this.banner.hidden = false;
    this.banner.dataset.about = about;
    this.banner.replaceChildren(
      h("p", {}, sentence),
      ...(label !== undefined && action !== undefined ? [h("button", { type: "button", class: "button", onclick: () => this.#act(action) }, label)] : []),
    );
  }

  untell(): void {
    this.banner.hidden = true;
    delete this.banner.dataset.about;
  }

  /** Says why nothing can be changed, and what can be done about it. */
  showClosed(reading: Reading): void {
    const because = reading.closedBecause;
    const about = this.banner.dataset.about;
    if (about === "offline" || about === "signed-out") return;
    if (because === null) return this.untell();
    const isEnded = reading.status === "done" || reading.status === "skipped";
    if (isEnded && reading.case.is_own && reading.case.study.state === "published") this.#tell("closed", because, "Reopen…", "reopen");
    else this.#tell("closed", because);
  }
}
