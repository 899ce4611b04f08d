/** Tells the service how long a case was looked at, every 15 s and when the page is hidden, and how fast it came. */

import type { Api } from "./api.ts";
import type { TimingIn } from "./service.ts";
import { ActivityClock } from "./timing.ts";

const EVERY_MS = 15_000;
const INPUTS = ["pointerdown", "pointermove", "wheel", "keydown"] as const;

type Loading = Partial<Record<"first_tile_ms" | "loaded_ms" | "tile_errors", number>>;

export class Stopwatch {
  readonly #api: Api;
  readonly #clock = new ActivityClock(() => performance.now(), document.visibilityState === "visible");
  #case: string | undefined;
  #began = 0;
  #loading: Loading = {};
  #hasFirstTile = false;
  #isLoaded = false;

  constructor(api: Api) {
    this.#api = api;
    for (const input of INPUTS) window.addEventListener(input, () => this.#clock.noteInput(), { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => {
      const isVisible = document.visibilityState === "visible";
      this.#clock.setVisible(isVisible);
      if (!isVisible) this.#report();
    });
    setInterval(() => this.#report(), EVERY_MS);
  }

  /** Another case is looked at from now on. */
  begin(assignment: string): void {
    this.#report();
    this.#clock.take();
    this.#case = assignment;
    this.#began = performance.now();
    this.#loading = {};
    this.#hasFirstTile = false;
    this.#isLoaded = false;
  }

  noteTile(): void {
    if (this.#hasFirstTile) return;
    this.#hasFirstTile = true;
    this.#loading.first_tile_ms = this.#passed();
  }

  noteLoaded(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    this.#loading.loaded_ms = this.#passed();
  }

  noteMissing(count: number): void {
    if (count > 0) this.#loading.tile_errors = (this.#loading.tile_errors ?? 0) + 1;
  }

  #passed(): number {
    return Math.round(performance.now() - this.#began);
  }

  #report(): void {
    const spent = this.#clock.take();
    if (this.#case === undefined || spent.active_ms + spent.idle_ms === 0) return;
    const told: TimingIn = { ...spent, ...this.#loading };
    this.#loading = {};
    // A delta that is lost is a few seconds of a measurement; it is not worth the outbox.
    void this.#api.send("POST", `/v1/assignments/${this.#case}/timing`, told, { keepalive: true }).catch(() => undefined);
  }
}
