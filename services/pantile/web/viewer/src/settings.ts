/** How a person wants to work: kept by the service for the account, and in the browser for when it does not answer. */

import type { Api } from "./api.ts";
import { PALETTES, type PaletteName } from "./lut.ts";

export const VIEWS = ["grid", "focus", "flicker", "curtain", "single"] as const;
export type ViewName = (typeof VIEWS)[number];

export interface Preferences {
  readonly shortcuts: { readonly enabled: boolean; readonly keys: Readonly<Record<string, readonly string[]>> };
  readonly palette: PaletteName;
  /** 0 to 100. */
  readonly opacity: number;
  readonly outline: boolean;
  readonly view: ViewName;
  /** Whether a score goes on to the next pane. */
  readonly advance: boolean;
}

export const DEFAULTS: Preferences = {
  shortcuts: { enabled: true, keys: {} },
  palette: "accessible",
  opacity: 45,
  outline: false,
  view: "grid",
  advance: true,
};

/** Preferences out of whatever was kept: what is not understood is as if it had not been chosen. */
export function readPreferences(kept: unknown): Preferences {
  const given = isRecord(kept) ? kept : {};
  const shortcuts = isRecord(given.shortcuts) ? given.shortcuts : {};
  const keys = isRecord(shortcuts.keys) ? shortcuts.keys : {};
  return {
    shortcuts: {
      enabled: shortcuts.enabled !== false,
      keys: Object.fromEntries(Object.entries(keys).filter((entry): entry is [string, string[]] => isStrings(entry[1]))),
    },
    palette: oneOf(PALETTES, given.palette) ?? DEFAULTS.palette,
    opacity: typeof given.opacity === "number" ? Math.min(100, Math.max(0, given.opacity)) : DEFAULTS.opacity,
    outline: given.outline === true,
    view: oneOf(VIEWS, given.view) ?? DEFAULTS.view,
    advance: given.advance !== false,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function oneOf<T extends string>(words: readonly T[], value: unknown): T | undefined {
  return words.find((word) => word === value);
}

const SAVED_AFTER_MS = 800;
const PATH = "/v1/me/preferences";

export class Settings {
  #value: Preferences;
  readonly #api: Api;
  readonly #place: string;
  #timer: number | undefined;

  constructor(api: Api, account: string) {
    this.#api = api;
    this.#place = `pantile-preferences:${account}`;
    this.#value = readPreferences(JSON.parse(localStorage.getItem(this.#place) ?? "null"));
  }

  get value(): Preferences {
    return this.#value;
  }

  /** Takes what the service has; what the browser has holds where it does not answer. */
  async load(): Promise<void> {
    try {
      this.#value = readPreferences(await this.#api.get(PATH));
      localStorage.setItem(this.#place, JSON.stringify(this.#value));
    } catch {
      // The browser's copy it is, then.
    }
  }

  change(patch: Partial<Preferences>): void {
    this.#value = { ...this.#value, ...patch };
    localStorage.setItem(this.#place, JSON.stringify(this.#value));
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.save(), SAVED_AFTER_MS);
  }

  async save(): Promise<void> {
    clearTimeout(this.#timer);
    // Preferences are worth no dialog: the browser keeps them, and the next change sends them again.
    await this.#api.send("PUT", PATH, this.#value, { keepalive: true }).catch(() => undefined);
  }
}
