/** Rectangles that are not saved, kept in the tab so that a reload or a new sign-in does not lose them. */

import type { Rectangles } from "./slide.ts";

export class Draft {
  readonly #place: string;

  constructor(slide: number) {
    this.#place = `pantile-rectangles:${slide}`;
  }

  keep(version: number, rectangles: Rectangles): void {
    sessionStorage.setItem(this.#place, JSON.stringify({ version, rectangles }));
  }

  drop(): void {
    sessionStorage.removeItem(this.#place);
  }

  /** What was kept and follows upon this version; what follows upon another is out of date. */
  find(version: number): Rectangles | undefined {
    const kept = JSON.parse(sessionStorage.getItem(this.#place) ?? "null") as { version: number; rectangles: Rectangles } | null;
    return kept?.version === version ? kept.rectangles : undefined;
  }
}
