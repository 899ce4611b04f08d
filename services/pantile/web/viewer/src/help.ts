/** Help: the keys and their remapping, and how one wants to work. */

import { ask } from "./dialogs.ts";
import { h } from "./dom.ts";
import { ACTIONS, Keymap, isChoosable, showKey, spell } from "./keys.ts";
import { PALETTES, type PaletteName } from "./lut.ts";
import type { Preferences, Settings } from "./settings.ts";

const PALETTE_TITLES: Readonly<Record<PaletteName, string>> = {
  accessible: "Distinct for all, colour-blind included",
  simplified: "The study's, simplified",
  detailed: "The study's, detailed",
};

/** Shows the help; `changed` hears of each change at once. */
export async function showHelp(settings: Settings, outputs: number, changed: () => void): Promise<void> {
  const change = (patch: Partial<Preferences>): void => {
    settings.change(patch);
    changed();
  };
  const keys = h("table", { class: "keys" });
  const fillKeys = (): void => keys.replaceChildren(...keyRows(settings, outputs, change, fillKeys));
  fillKeys();
  await ask({
    title: "Keys and settings",
    isWide: true,
    content: [
      check("Keys without Ctrl act (scores, views, undo). Without them, use Tab, arrows and buttons.", settings.value.shortcuts.enabled, (enabled) =>
        change({ shortcuts: { ...settings.value.shortcuts, enabled } }),
      ),
      check("A score goes on to the next pane", settings.value.advance, (advance) => change({ advance })),
      h(
        "label",
        { class: "field" },
        "Colours ",
        select(PALETTES.map((palette) => [palette, PALETTE_TITLES[palette]]), settings.value.palette, (palette) => change({ palette: palette as PaletteName })),
      ),
      h("p", {}, "Digits, - and the arrows go by their place on the keyboard, letters by what is printed on them. Press a key's button, then the key that you want."),
      h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Keys" }, keys),
      h("button", { type: "button", class: "button", onclick: () => (change({ shortcuts: { enabled: true, keys: {} } }), fillKeys()) }, "Keys as they came"),
    ],
    choices: [{ label: "Close", value: "", isMain: true }],
  });
  await settings.save();
}

function keyRows(settings: Settings, outputs: number, change: (patch: Partial<Preferences>) => void, refill: () => void): Node[] {
  const keymap = new Keymap(settings.value.shortcuts.keys);
  return Object.entries(ACTIONS)
    .filter(([action]) => !action.startsWith("pane-") || Number(action.slice(5)) <= outputs)
    .map(([action, { title }]) => {
      const shown = keymap.keysOf(action).map(showKey).join(" or ") || "–";
      const button = h(
        "button",
        { type: "button", class: "button key", "data-action": action, "aria-label": `${title}: ${shown}, change`, onclick: () => listen(button, settings, action, change, refill) },
        shown,
      );
      return h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, button));
    });
}

/** The next key pressed becomes the action's; Escape leaves it as it is. */
function listen(button: HTMLButtonElement, settings: Settings, action: string, change: (patch: Partial<Preferences>) => void, refill: () => void): void {
  button.textContent = "press a key …";
  const take = (event: KeyboardEvent): void => {
    if (["Shift", "Control", "Alt", "Meta", "CapsLock"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    window.removeEventListener("keydown", take, true);
    const spelling = spell(event);
    if (spelling !== null && isChoosable(spelling)) {
      const { keys } = settings.value.shortcuts;
      const others = Object.fromEntries(Object.entries(keys).map(([each, chosen]) => [each, chosen.filter((key) => key !== spelling)]));
      change({ shortcuts: { ...settings.value.shortcuts, keys: { ...others, [action]: [spelling] } } });
    }
    refill();
    document.querySelector<HTMLElement>(`.key[data-action="${action}"]`)?.focus();
  };
  window.addEventListener("keydown", take, true);
}

function check(label: string, isOn: boolean, change: (isOn: boolean) => void): HTMLElement {
  const box = h("input", { type: "checkbox", onchange: () => change(box.checked) });
  box.checked = isOn;
  return h("label", { class: "check" }, box, label);
}

function select(options: readonly (readonly [string, string])[], chosen: string, change: (value: string) => void): HTMLElement {
  const field = h("select", { onchange: () => change(field.value) }, ...options.map(([value, title]) => h("option", { value }, title)));
  field.value = chosen;
  return field;
}
