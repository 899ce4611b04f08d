/** The dialogs about a case: flags, score-all, conflicts, what happened to it. */

import type { Flag, FlagKind, ScoreEvent, Scored } from "./api.ts";
import { ask } from "./dialogs.ts";
import { h } from "./dom.ts";
import type { Held } from "./history.ts";
import type { Keymap } from "./keys.ts";
import type { Entry } from "./outbox.ts";
import type { PaneState, Reading } from "./reading.ts";

const FLAG_TITLES: Readonly<Record<FlagKind, string>> = {
  difficult: "Difficult to judge",
  image: "The image is at fault (blurred, folded, missing tiles)",
  tissue: "The tissue is not what it should be",
  output: "The output is missing or cannot be shown",
  other: "Something else",
};

const FLAG_KINDS = Object.keys(FLAG_TITLES) as FlagKind[];

export interface FlagChoice {
  readonly flag: Flag;
  readonly isSet: boolean;
}

/** Asks for a flag on the active output or the case; null where none was chosen. */
export async function askFlag(reading: Reading, pane: PaneState | undefined, kind: FlagKind = "difficult"): Promise<FlagChoice | null> {
  const chosenKind = h("select", { "aria-label": "What about" }, ...FLAG_KINDS.map((each) => h("option", { value: each }, FLAG_TITLES[each])));
  chosenKind.value = kind;
  const scope = h("select", { "aria-label": "Where" }, ...(pane ? [h("option", { value: pane.output.output }, `Output ${pane.name}`)] : []), h("option", { value: "" }, "The whole case"));
  const note = h("textarea", { rows: 3, maxlength: 2000, "aria-label": "Reason", autofocus: true });
  const current = (): Flag | undefined => reading.flags.find((flag) => flag.kind === chosenKind.value && (flag.output ?? "") === scope.value);
  const fill = (): void => {
    note.value = current()?.note ?? "";
  };
  chosenKind.addEventListener("change", fill);
  scope.addEventListener("change", fill);
  fill();
  const set = reading.flags.map((flag) => `${FLAG_TITLES[flag.kind]}${flag.note ? `: ${flag.note}` : ""}`);
  const answer = await ask({
    title: "Flag",
    content: [
      ...(set.length > 0 ? [h("ul", {}, ...set.map((each) => h("li", {}, each)))] : []),
      h("label", { class: "field" }, "What about", chosenKind),
      h("label", { class: "field" }, "Where", scope),
      h("label", { class: "field" }, "Reason", note),
    ],
    choices: [
      { label: "Cancel", value: "" },
      ...(set.length > 0 ? [{ label: "Take this flag away", value: "clear" }] : []),
      { label: "Flag", value: "set", isMain: true },
    ],
  });
  if (answer === "") return null;
  return { flag: { output: scope.value || null, kind: chosenKind.value as FlagKind, note: note.value.trim() }, isSet: answer === "set" };
}

/** Asks which score all outputs get; undefined where none was chosen, null to clear them. */
export async function askScoreAll(reading: Reading, count: number, keymap: Keymap): Promise<number | null | undefined> {
  let chosen: number | null | undefined;
  const said = h("p", { role: "status" }, `Choose what all ${count} outputs get, then confirm.`);
  const buttons = [null, ...Array.from({ length: 11 }, (_, value) => value)].map((value) =>
    h("button", { type: "button", class: "score", "aria-pressed": "false", onclick: () => choose(value) }, value === null ? "Clear" : String(value)),
  );
  const choose = (value: number | null): void => {
    chosen = value;
    for (const [at, button] of buttons.entries()) button.setAttribute("aria-pressed", String(at === (value === null ? 0 : value + 1)));
    said.textContent = value === null ? `All ${count} outputs will have no score.` : `All ${count} outputs will have ${reading.word(value)}.`;
  };
  const pad = h("div", { class: "pad", role: "group", "aria-label": "Score for all outputs" }, ...buttons);
  const press = (event: KeyboardEvent): void => {
    const action = keymap.find(event, "page");
    const value = action?.startsWith("score-") && action !== "score-all" ? Number(action.slice(6)) : action === "clear" ? null : undefined;
    if (value === undefined) return;
    event.preventDefault();
    choose(value);
    document.querySelector<HTMLElement>("dialog[open] .is-main")?.focus();
  };
  window.addEventListener("keydown", press);
  const answer = await ask({
    title: "Score all",
    content: [said, pad],
    choices: [
      { label: "Cancel", value: "", isFirst: true },
      { label: "Score all", value: "all", isMain: true },
    ],
    mayTake: (choice) => choice === "" || chosen !== undefined,
  });
  window.removeEventListener("keydown", press);
  return answer === "all" ? chosen : undefined;
}

/** Yours or theirs: true keeps one's own. It closes by a choice only. */
export async function askConflict(entry: Entry, current: Scored, later: readonly Entry[]): Promise<boolean> {
  const mine = (later.at(-1) ?? entry).body as unknown as Held;
  const answer = await ask({
    title: `${entry.label} was changed elsewhere`,
    isClosable: false,
    content: [
      "Another tab or device has saved something else since. Both stay in the history; which one counts?",
      h("dl", { class: "versus" }, h("dt", {}, "Yours"), h("dd", {}, describe(mine)), h("dt", {}, "Theirs"), h("dd", {}, describe(current))),
    ],
    choices: [
      { label: "Take theirs", value: "theirs" },
      { label: "Keep yours", value: "mine", isMain: true },
    ],
  });
  return answer === "mine";
}

function describe({ value, comment }: Held): string {
  return `${value === null ? "no score" : `score ${value}`}${comment ? `, “${comment}”` : ""}`;
}

/** What happened to the case, newest first. */
export async function showEvents(reading: Reading, events: readonly ScoreEvent[]): Promise<void> {
  const rows = events.toReversed().map((event) =>
    h("tr", {}, h("td", {}, String(event.number)), h("td", {}, event.at.slice(0, 19).replace("T", " ")), h("td", {}, event.pane === null ? "" : String(event.pane)), h("td", {}, event.action), h("td", {}, summary(event.before)), h("td", {}, summary(event.after)), h("td", {}, event.reason ?? "")),
  );
  const head = ["#", "Time (UTC)", "Output", "What", "Before", "After", "Reason"].map((title) => h("th", { scope: "col" }, title));
  await ask({
    title: `History of ${reading.case.label}`,
    isWide: true,
    content: [h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Events" }, h("table", { class: "events" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)))],
    choices: [{ label: "Close", value: "", isMain: true }],
  });
}

function summary(state: Readonly<Record<string, unknown>>): string {
  return Object.entries(state)
    .filter(([name, value]) => value !== null && value !== "" && name !== "version" && JSON.stringify(value) !== "{}")
    .map(([name, value]) => (name === "value" ? String(value) : `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`))
    .join(", ");
}
