/** The cases that come next, fetched while one is read: their JSON, and the tiles that are seen first. */

import type { Api, Case, Tiles } from "./api.ts";
import { homeTiles } from "./pyramid.ts";

const AHEAD = 3;
const TILES_AHEAD = 2;

export class Prefetch {
  readonly #api: Api;
  readonly #cases = new Map<string, Case>();
  /** How often each case was changed by this tab. */
  readonly #changes = new Map<string, number>();
  /** Cases of which something was changed since they were fetched. */
  readonly #outdated = new Set<string>();
  readonly #images = new Set<HTMLImageElement>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** A case that is there already and as the service has it, for all that this tab knows. */
  peek(key: string): Case | undefined {
    return this.#outdated.has(key) ? undefined : this.#cases.get(key);
  }

  /** The service has taken a change of the case: what was fetched before, or is on its way, does not have it. */
  noteChange(key: string): void {
    this.#changes.set(key, this.#changesOf(key) + 1);
    this.#outdated.add(key);
  }

  #changesOf(key: string): number {
    return this.#changes.get(key) ?? 0;
  }

  /** The case as the service has it now; as it was last seen where the service does not answer. */
  async take(key: string): Promise<Case> {
    try {
      for (;;) {
        const before = this.#changesOf(key);
        const fresh = await this.#api.get<Case>(`/v1/assignments/${key}`);
        if (before !== this.#changesOf(key)) continue;
        this.#cases.set(key, fresh);
        this.#outdated.delete(key);
        return fresh;
      }
    } catch (error) {
      const kept = this.#cases.get(key);
      if (kept && !(error instanceof Error && "status" in error)) return kept;
      throw error;
    }
  }

  /** Fetches what comes after a case, for panes of this width in screen pixels. */
  async ahead(from: Case, paneWidthPx: number): Promise<void> {
    const kept = new Set([from.key]);
    let key = from.next;
    for (let step = 0; step < AHEAD && key !== null; step++) {
      const next: Case | undefined = this.peek(key) ?? (await this.take(key).catch(() => undefined));
      if (!next) return;
      kept.add(key);
      if (step < TILES_AHEAD) this.#fetchTiles(next, paneWidthPx);
      key = next.next;
    }
    if (from.previous !== null) kept.add(from.previous);
    for (const each of this.#cases.keys()) if (!kept.has(each)) this.#cases.delete(each);
  }

  #fetchTiles({ roi, panes }: Case, paneWidthPx: number): void {
    const sources = [roi.tiles, ...panes.map((pane) => pane.tiles)].filter((source): source is Tiles => source !== null);
    for (const url of sources.flatMap((source) => homeTiles(source, paneWidthPx))) {
      const image = new Image();
      image.fetchPriority = "low";
      image.onload = image.onerror = () => this.#images.delete(image);
      this.#images.add(image);
      image.src = url;
    }
  }
}
