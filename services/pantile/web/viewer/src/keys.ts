/**
 * From a key press to what it does. Digits, Minus and the keys without a character go by their place on the keyboard
 * (`code`), so that AZERTY and German keyboards score as any other; letters go by what is printed on them (`key`).
 */

/** What of a KeyboardEvent decides. */
export interface Press {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly repeat: boolean;
  readonly isComposing: boolean;
}

/** Where the focus is when a key is pressed. */
export type Place = "page" | "control" | "text" | "dialog";

export interface Action {
  readonly title: string;
  readonly keys: readonly string[];
  /** Whether a held key acts again and again. */
  readonly repeats?: boolean;
}

const SCORES: Record<string, Action> = Object.fromEntries(
  Array.from({ length: 10 }, (_, value) => [
    `score-${value}`,
    { title: `Score ${value}`, keys: [`Digit${value}`, `Numpad${value}`] },
  ]),
);

export const ACTIONS: Readonly<Record<string, Action>> = {
  ...SCORES,
  "score-10": { title: "Score 10", keys: ["Minus", "NumpadAdd"] },
  clear: { title: "Clear the active pane's score", keys: ["x", "Backspace"] },
  up: { title: "One higher", keys: ["ArrowUp"] },
  down: { title: "One lower", keys: ["ArrowDown"] },
  "score-all": { title: "Score all panes: then a digit", keys: ["Shift+a"] },
  undo: { title: "Undo", keys: ["z", "Ctrl+z"] },
  redo: { title: "Redo", keys: ["Shift+z", "Ctrl+Shift+z"] },
  complete: { title: "Complete the case and go on", keys: ["Enter"] },
  previous: { title: "Previous case", keys: ["ArrowLeft"] },
  next: { title: "Next case", keys: ["ArrowRight"] },
  unscored: { title: "Next unscored case", keys: ["j"] },
  tumor: { title: "The sample's tumor region", keys: ["t"] },
  normal: { title: "The sample's normal region", keys: ["n"] },
  comment: { title: "Comment on the active pane", keys: ["c"] },
  "case-comment": { title: "Comment on the case", keys: ["Shift+c"] },
  flag: { title: "Flag as difficult", keys: ["g"] },
  masks: { title: "Masks on and off; held: look at the H&E", keys: ["m"] },
  fainter: { title: "Masks fainter", keys: ["o"], repeats: true },
  stronger: { title: "Masks stronger", keys: ["Shift+o"], repeats: true },
  outline: { title: "Masks filled or outlined", keys: ["b"] },
  legend: { title: "To the legend", keys: ["l"] },
  view: { title: "Next view", keys: ["v"] },
  focus: { title: "Active pane large, or the grid", keys: ["f"] },
  sync: { title: "Synchronise panes, or not", keys: ["y"] },
  home: { title: "Whole region", keys: ["h"] },
  "zoom-in": { title: "Zoom in", keys: ["."], repeats: true },
  "zoom-out": { title: "Zoom out", keys: [","], repeats: true },
  "one-to-one": { title: "One image pixel a screen pixel", keys: ["r"] },
  "pan-left": { title: "Pan left", keys: ["Shift+ArrowLeft"], repeats: true },
  "pan-right": { title: "Pan right", keys: ["Shift+ArrowRight"], repeats: true },
  "pan-up": { title: "Pan up", keys: ["Shift+ArrowUp"], repeats: true },
  "pan-down": { title: "Pan down", keys: ["Shift+ArrowDown"], repeats: true },
  calibration: { title: "Calibration examples", keys: ["k"] },
  help: { title: "Help, keys and settings", keys: ["?"] },
  ...Object.fromEntries(
    Array.from({ length: 9 }, (_, at) => [
      `pane-${at + 1}`,
      { title: `To pane ${String.fromCharCode(65 + at)}`, keys: [`Shift+Digit${at + 1}`] },
    ]),
  ),
};

const BY_CODE = /^(Digit\d|Minus|NumpadAdd|Arrow\w+|Enter|Backspace|Escape|Space|Home|End|PageUp|PageDown|F\d+)$/;
const MOVES_IN_CONTROLS = /^(Arrow\w+|Home|End|PageUp|PageDown|Enter|Space|Backspace)$/;

/** How a press is written in key maps, `Shift+z` or `Digit7`; null for one that can mean nothing here. */
export function spell(press: Press): string | null {
  if (press.isComposing || press.altKey || press.metaKey) return null;
  if (press.key === "Dead" || press.key === "Process" || press.key === "Unidentified") return null;
  const name = nameOf(press);
  if (name === null) return null;
  const isLetterOrPlace = name.length > 1 || /[a-z]/.test(name);
  return `${press.ctrlKey ? "Ctrl+" : ""}${press.shiftKey && isLetterOrPlace ? "Shift+" : ""}${name}`;
}

function nameOf({ key, code }: Press): string | null {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  if (key === "?") return key;
  if (/^Numpad\d$/.test(code)) return /^\d$/.test(key) ? code : null; // without Num Lock these are arrows
  if (code === "NumpadEnter") return "Enter";
  if (BY_CODE.test(code)) return code;
  // Keyboards without Latin letters: the letter that is printed there on others.
  const place = /^Key([A-Z])$/.exec(code);
  if (place && !/^[\x20-\x7e]$/.test(key)) return place[1]!.toLowerCase();
  return /^[!-~]$/.test(key) ? key : null;
}

/** How a key is shown to people. */
export function showKey(spelling: string): string {
  const names: Record<string, string> = {
    Minus: "- (ß)",
    NumpadAdd: "keypad +",
    ArrowUp: "↑",
    ArrowDown: "↓",
    ArrowLeft: "←",
    ArrowRight: "→",
  };
  return spelling
    .split(/\+(?=.)/)
    .map((part) => names[part] ?? part.replace(/^Digit/, "").replace(/^Numpad(?=\d)/, "keypad "))
    .map((part) => (/^[a-z]$/.test(part) ? part.toUpperCase() : part))
    .join("+");
}

/** The keys of a person: ours, where they have not chosen their own. */
export class Keymap {
  readonly #actions = new Map<string, string>();
  readonly #keys = new Map<string, readonly string[]>();

  readonly #known: Readonly<Record<string, Action>>;

  /** `chosen` may hold keys of other pages as well, which do not count here. */
  constructor(chosen: Readonly<Record<string, readonly string[]>> = {}, known: Readonly<Record<string, Action>> = ACTIONS) {
    this.#known = known;
    const taken = new Set(Object.entries(chosen).flatMap(([action, keys]) => (action in known ? keys : [])));
    for (const [action, { keys }] of Object.entries(known)) {
      const own = chosen[action] ?? keys.filter((key) => !taken.has(key));
      this.#keys.set(action, own);
      for (const key of own) this.#actions.set(key, action);
    }
  }

  /** The action of a press; undefined where it means nothing, is typed into something, or is only held. */
  find(press: Press, place: Place): string | undefined {
    if (place === "dialog" || place === "text") return undefined;
    const spelling = spell(press);
    if (spelling === null) return undefined;
    if (place === "control" && MOVES_IN_CONTROLS.test(spelling)) return undefined;
    const action = this.#actions.get(spelling);
    return action !== undefined && press.repeat && !this.#known[action]?.repeats ? undefined : action;
  }

  keysOf(action: string): readonly string[] {
    return this.#keys.get(action) ?? [];
  }
}

/** Whether a person may choose a key: not one that would take another key's place, such as Tab, or a combination. */
export function isChoosable(spelling: string): boolean {
  return !spelling.startsWith("Ctrl+") && !["Escape", "Space", "Shift+Space"].includes(spelling);
}
