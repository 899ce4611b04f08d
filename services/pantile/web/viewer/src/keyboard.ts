/** Listens to the keyboard: where the focus is, which keys are held, and what they do. */

import type { Keymap, Place } from "./keys.ts";

/** Longer than that a key is held and not pressed: what it did ends when it is let go. */
const HELD_MS = 350;

export interface KeyboardEvents {
  keymap(): Keymap;
  /** Whether keys without modifiers act. */
  isOn(): boolean;
  act(action: string): void;
  /** Letters that stand for outputs at the moment, in the order of the outputs. */
  letters(): readonly string[];
  /** Shows another output and gives the place of the one before. */
  swap(place: number): number;
}

interface HeldKey {
  readonly code: string;
  readonly since: number;
  release(): void;
}

export class Keyboard {
  readonly #events: KeyboardEvents;
  #held: HeldKey | undefined;

  constructor(events: KeyboardEvents) {
    this.#events = events;
    window.addEventListener("keydown", (event) => this.#down(event));
    window.addEventListener("keyup", (event) => event.code === this.#held?.code && this.#release(event.timeStamp - this.#held.since >= HELD_MS));
    // The key may be let go where we do not hear it.
    window.addEventListener("blur", () => this.#release(true));
  }

  #down(event: KeyboardEvent): void {
    const place = placeOf(event.target instanceof Element ? event.target : null);
    if (event.defaultPrevented || place === "dialog" || place === "text") return;
    if (!this.#events.isOn() && !event.ctrlKey) return;
    if (this.#swap(event)) return event.preventDefault();
    const action = this.#events.keymap().find(event, place);
    if (action === undefined) return;
    event.preventDefault();
    this.#events.act(action);
    if (action === "masks") this.#hold(event, () => this.#events.act("masks"));
  }

  /** With one output seen at a time, its letter shows it, and so do the arrows. */
  #swap(event: KeyboardEvent): boolean {
    const letters = this.#events.letters();
    if (letters.length === 0 || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
    const at = letters.indexOf(event.key.toLowerCase());
    const isArrow = event.code === "ArrowLeft" || event.code === "ArrowRight";
    if (at < 0 && !isArrow) return false;
    if (event.repeat) return true;
    const before = this.#events.swap(0);
    this.#events.swap(isArrow ? before + (event.code === "ArrowRight" ? 1 : -1) : at);
    if (!isArrow) this.#hold(event, () => this.#events.swap(before));
    return true;
  }

  #hold(event: KeyboardEvent, release: () => void): void {
    this.#held = { code: event.code, since: event.timeStamp, release };
  }

  #release(wasHeld: boolean): void {
    const held = this.#held;
    this.#held = undefined;
    if (wasHeld) held?.release();
  }
}

/** Whether what is typed goes into a field or a dialog. */
export function isTyping(): boolean {
  const place = placeOf(document.activeElement);
  return place === "text" || place === "dialog";
}

function placeOf(target: Element | null): Place {
  if (document.querySelector("dialog[open]")) return "dialog";
  if (!target) return "page";
  if (target.closest("textarea, select, [contenteditable]")) return "text";
  if (target instanceof HTMLInputElement) return target.type === "range" || target.type === "checkbox" ? "control" : "text";
  if (target.closest(".pad") || target.closest(".stage")) return "page";
  return target.closest("button, a, [role=separator]") ? "control" : "page";
}
