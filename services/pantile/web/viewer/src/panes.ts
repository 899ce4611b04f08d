/** All panes of the page: one H&E and one for each output; their viewers live as long as the page. */

import type OpenSeadragon from "openseadragon";

import { h } from "./dom.ts";
import type { LegendEntry } from "./lut.ts";
import { Pane, type PaneEvents } from "./pane.ts";
import type { Reading } from "./reading.ts";
import { SyncGroup, type Member } from "./sync.ts";
import type { Painting } from "./viewer.ts";

type Forwarded = Omit<PaneEvents, "moved" | "changed" | "rested">;

/** Why an image has no tiles, by its state. */
const UNTILED: Readonly<Record<string, string>> = {
  making: "The image is being prepared; this page looks again by itself.",
  failed: "This image cannot be shown.",
  withdrawn: "This case was withdrawn, and its image removed.",
};

export class Panes {
  readonly element = h("main", { class: "panes", id: "panes" });
  readonly reference: Pane;
  outputs: readonly Pane[] = [];
  sync: SyncGroup;
  readonly #events: Forwarded;
  readonly #painting: Painting;
  readonly #isAnimated: boolean;
  readonly #sizes = new ResizeObserver(() => this.resize());
  #legend: ReadonlyMap<number, LegendEntry> = new Map();
  #isHome = true;

  constructor(painting: Painting, events: Forwarded, isAnimated: boolean) {
    this.#events = events;
    this.#painting = painting;
    this.#isAnimated = isAnimated;
    this.reference = this.#make("H&E");
    this.sync = new SyncGroup([this.reference.viewer]);
    this.element.addEventListener("pointermove", (event) => this.#point(event), { passive: true });
    this.element.addEventListener("pointerleave", () => this.#point(undefined), { passive: true });
  }

  get all(): readonly Pane[] {
    return [this.reference, ...this.outputs];
  }

  /** The pane of an output, by its place. */
  at(place: number): Pane | undefined {
    return this.outputs[place];
  }

  /** Shows a case in the panes that are there; makes the panes of outputs that the cases before did not have. */
  async open(reading: Reading): Promise<void> {
    this.#setCount(reading.panes.length);
    const { roi, legend } = reading.case;
    this.#legend = new Map(legend.map((entry) => [entry.index, entry]));
    const widthPx = roi.tiles?.width_px ?? roi.width_px;
    const heightPx = roi.tiles?.height_px ?? roi.height_px;
    for (const [at, pane] of this.outputs.entries()) pane.state = reading.panes[at];
    this.#isHome = true;
    const opened = this.all.map((pane) => {
      pane.mpp = roi.mpp;
      pane.show(reading);
      const map = pane.state?.output.tiles ?? null;
      const isShown = pane.isReference || map !== null;
      return pane.open({ roi: isShown ? roi.tiles : null, map, widthPx, heightPx });
    });
    if (!roi.tiles) {
      this.reference.say(UNTILED[roi.tiles_state ?? "making"] ?? null);
    } else this.reference.say(null);
    await Promise.all(opened);
    this.home(true);
  }

  #setCount(count: number): void {
    if (count === this.outputs.length) return;
    for (const pane of this.outputs.slice(count)) {
      this.#sizes.unobserve(pane.viewer.osd.element);
      pane.viewer.osd.destroy();
      pane.element.remove();
    }
    const kept = this.outputs.slice(0, count);
    const letters = Array.from({ length: count }, (_, at) => String.fromCharCode(65 + at));
    this.outputs = [...kept, ...letters.slice(kept.length).map((letter) => this.#make(letter))];
    const { isOn } = this.sync;
    this.sync = new SyncGroup([this.reference.viewer, ...this.outputs.map((pane): Member => pane.viewer)]);
    this.sync.isOn = isOn;
    this.element.style.setProperty("--outputs", String(count));
    this.element.style.setProperty("--columns", String(columns(count + 1)));
  }

  #make(name: string): Pane {
    const pane = new Pane(
      name,
      this.#painting,
      {
        ...this.#events,
        moved: () => this.sync.lead(pane.viewer),
        changed: () => {
          if (this.sync.leader === pane.viewer) this.#isHome = isNear(pane);
          this.sync.follow(pane.viewer);
        },
        rested: () => this.sync.rest(pane.viewer),
      },
      this.#isAnimated,
    );
    this.element.append(pane.element);
    this.#sizes.observe(pane.viewer.osd.element);
    return pane;
  }

  /** The pane whose place the others take: the one that was moved last, while it is open. */
  get leader(): Pane {
    return this.all.find((pane) => pane.viewer === this.sync.leader && pane.viewer.isOpen) ?? this.all.find((pane) => pane.viewer.isOpen) ?? this.reference;
  }

  /** Shows the whole region everywhere. */
  home(isImmediate: boolean): void {
    const { viewer } = this.leader;
    viewer.goHome(isImmediate);
    if (isImmediate) this.sync.align();
  }

  /** Gives all viewers the sizes of their elements, and each the place that it had. */
  resize(): void {
    this.sync.quietly(() => {
      for (const pane of this.all) pane.viewer.resize();
    });
    if (this.#isHome) this.home(true);
    else if (this.sync.isOn) this.sync.align();
    for (const pane of this.all) pane.showScale();
  }

  setOpacity(): void {
    for (const pane of this.outputs) pane.viewer.setOpacity();
  }

  async repaint(): Promise<void> {
    await Promise.all(this.outputs.map((pane) => pane.viewer.repaint()));
  }

  #pointer: PointerEvent | undefined;
  #frame = 0;

  #point(event: PointerEvent | undefined): void {
    this.#pointer = event;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const [under, at] = this.#under(this.#pointer);
      for (const pane of this.all) pane.point(this.sync.isOn || pane === under ? at : undefined, (index) => this.#nameOf(index), pane === under);
    });
  }

  #under(event: PointerEvent | undefined): [Pane | undefined, OpenSeadragon.Point | undefined] {
    if (!event || event.pointerType === "touch") return [undefined, undefined];
    const pane = this.all.find(({ viewer }) => event.target instanceof Node && viewer.osd.element.contains(event.target));
    if (!pane?.viewer.isOpen) return [undefined, undefined];
    const { left, top } = pane.viewer.osd.element.getBoundingClientRect();
    const origin = pane.viewer.osd.viewport.getCenter(true).clone();
    [origin.x, origin.y] = [event.clientX - left, event.clientY - top];
    return [pane, pane.viewer.osd.viewport.pointFromPixel(origin, true)];
  }

  #nameOf(index: number): string {
    return this.#legend.get(index)?.label ?? "no class";
  }
}

function columns(count: number): number {
  return count <= 2 ? count : count <= 4 ? 2 : count <= 9 ? 3 : 4;
}

/** Whether a viewer shows the whole region, and nothing more closely. */
function isNear({ viewer }: Pane): boolean {
  if (!viewer.isOpen) return true;
  const [is, home] = [viewer.place(), viewer.homePlace()];
  return Math.abs(is.zoom - home.zoom) < 1e-6 && Math.abs(is.x - home.x) < 1e-6 && Math.abs(is.y - home.y) < 1e-6;
}
