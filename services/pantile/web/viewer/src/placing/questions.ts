/** What the page of a slide asks and tells in dialogs: conflicts, unsaved rectangles, help. */

import { ask } from "../dialogs.ts";
import { h } from "../dom.ts";
import { Keymap, showKey } from "../keys.ts";
import type { Settings } from "../settings.ts";
import { ACTIONS } from "./actions.ts";
import { sizeInPx } from "./geometry.ts";
import { byTissue, TISSUE_TYPES, TITLES, type Placing, type Rectangles } from "./slide.ts";

/** Somebody saved other rectangles meanwhile: whose shall count? "" leaves all as it is. */
export function askConflict(current: Placing, own: Rectangles): Promise<string> {
  const theirs = byTissue(current.rectangles);
  const rows = TISSUE_TYPES.map((tissue) => h("tr", {}, h("th", { scope: "row" }, TITLES[tissue]), h("td", {}, whereIs(theirs, tissue)), h("td", {}, whereIs(own, tissue))));
  return ask({
    title: "The rectangles were changed meanwhile",
    content: [
      `${current.placed_by ?? "Somebody"} has saved others since you opened this slide. They are drawn in dots.`,
      h("table", {}, h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "Theirs"), h("th", { scope: "col" }, "Yours"))), h("tbody", {}, ...rows)),
    ],
    choices: [
      { label: "Look first", value: "" },
      { label: "Take theirs", value: "theirs" },
      { label: "Save mine instead", value: "mine", isMain: true },
    ],
  });
}

function whereIs(rectangles: Rectangles, tissue: (typeof TISSUE_TYPES)[number]): string {
  const rectangle = rectangles[tissue];
  return rectangle ? `${sizeInPx(rectangle)} at ${rectangle.left_px.toLocaleString("en")}, ${rectangle.top_px.toLocaleString("en")}` : "none";
}

/** One is about to leave what is not saved: "save", "leave", or "" to stay. */
export function askUnsaved(): Promise<string> {
  return ask({
    title: "The rectangles are not saved",
    choices: [
      { label: "Stay", value: "" },
      { label: "Leave them so", value: "leave" },
      { label: "Save and go on", value: "save", isMain: true },
    ],
  });
}

export async function showHelp(settings: Settings, keymap: Keymap): Promise<void> {
  const box = h("input", { type: "checkbox", onchange: () => settings.change({ shortcuts: { ...settings.value.shortcuts, enabled: box.checked } }) });
  box.checked = settings.value.shortcuts.enabled;
  const rows = Object.entries(ACTIONS).map(([action, { title }]) => h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, keymap.keysOf(action).map(showKey).join("  ") || "–")));
  await ask({
    title: "Keys",
    isWide: true,
    content: [
      "Drag a rectangle by its inside, its frame or its name, and its sides and corners by the squares on them. What the numbers beside the slide say can be typed.",
      "Arrows move the rectangle that is chosen by ten pixels of the screen: zoomed in, by less. Without one they move the slide.",
      h("label", { class: "check" }, box, "Keys without Ctrl act"),
      h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Keys" }, h("table", { class: "keys" }, h("tbody", {}, ...rows))),
    ],
    choices: [{ label: "Close", value: "", isMain: true }],
  });
  await settings.save();
}
