/** How a case is shown: colours, masks, views and places, by the person's settings and for the moment. */

import type { Announcer } from "./a11y.ts";
import type { Controls } from "./controls.ts";
import { makeLut } from "./lut.ts";
import type { Pane } from "./pane.ts";
import type { Panes } from "./panes.ts";
import type { Reading } from "./reading.ts";
import type { Preferences, Settings, ViewName } from "./settings.ts";
import type { Layout } from "./views.ts";
import type { Painting, Viewer } from "./viewer.ts";

export interface Shown {
  readonly settings: Settings;
  readonly panes: Panes;
  readonly painting: Painting;
  readonly controls: Controls;
  readonly layout: Layout;
  readonly announcer: Announcer;
  readonly isAnimated: boolean;
  reading(): Reading | undefined;
  activePane(): Pane | undefined;
}

const PAN = 0.15;
const ZOOM = 1.5;

export class Presentation {
  readonly #shown: Shown;
  #areMasksOn = true;
  #palette: string | undefined;

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  /** The views that the study and the screen allow. */
  get views(): readonly ViewName[] {
    if (this.#shown.reading()?.case.study.presentation === "single") return ["single", "curtain"];
    return this.#shown.layout.isNarrow ? ["single", "flicker", "curtain"] : ["grid", "focus", "flicker", "curtain"];
  }

  get view(): ViewName {
    const { view } = this.#shown.settings.value;
    return this.views.includes(view) ? view : this.views[0]!;
  }

  setView(view: ViewName): void {
    this.set({ view });
    this.showViews();
    this.#shown.announcer.say(`View: ${view}.`);
  }

  showViews(): void {
    this.#shown.controls.showViews(this.views, this.view);
    this.#shown.layout.set(this.view, this.#shown.reading()?.active ?? 0);
  }

  /** Changes the settings, here and for good. */
  set(patch: Partial<Preferences>): void {
    this.#shown.settings.change(patch);
    this.apply();
  }

  /** Shows what the settings say. */
  apply(): void {
    const { settings, painting, panes, controls } = this.#shown;
    const { value } = settings;
    painting.opacity = this.#areMasksOn ? value.opacity / 100 : 0;
    panes.setOpacity();
    const isRepainted = painting.isOutline !== value.outline || this.#palette !== value.palette;
    painting.isOutline = value.outline;
    const reading = this.#shown.reading();
    if (reading && this.#palette !== value.palette) controls.legend.show(reading.case.legend, value.palette);
    this.#palette = value.palette;
    if (isRepainted) this.repaint();
    this.showControls();
  }

  showControls(): void {
    this.#shown.controls.show(this.#shown.settings.value, this.#areMasksOn, this.#shown.panes.sync.isOn);
  }

  /** The colours of the open case's classes, for the tiles to come. */
  takeColours(): void {
    const legend = this.#shown.reading()?.case.legend ?? [];
    this.#shown.painting.lut = makeLut(legend, this.#shown.settings.value.palette, this.#shown.controls.legend.hidden);
  }

  /** The same, for the tiles that are there as well. */
  repaint(): void {
    this.takeColours();
    void this.#shown.panes.repaint();
  }

  #toggleMasks(): void {
    this.#areMasksOn = !this.#areMasksOn;
    this.apply();
  }

  #toggleSync(): void {
    const { panes, announcer } = this.#shown;
    const leader = this.#shown.activePane() ?? panes.reference;
    panes.sync.toggle(!panes.sync.isOn, leader.viewer);
    this.showControls();
    announcer.say(panes.sync.isOn ? "Panes move together." : "Panes move by themselves.");
  }

  /** The active pane is moved, and the others follow it. */
  #move(move: (viewer: Viewer) => void): void {
    const pane = this.#shown.activePane();
    move((pane?.viewer.isOpen ? pane : this.#shown.panes.leader).viewer);
  }

  #toggleFocus(): void {
    if (this.view !== "focus" && !this.views.includes("focus")) return;
    this.setView(this.view === "focus" ? this.views[0]! : "focus");
  }

  readonly actions: Readonly<Record<string, () => void>> = {
    masks: () => this.#toggleMasks(),
    fainter: () => this.set({ opacity: Math.max(0, this.#shown.settings.value.opacity - 10) }),
    stronger: () => this.set({ opacity: Math.min(100, this.#shown.settings.value.opacity + 10) }),
    outline: () => this.set({ outline: !this.#shown.settings.value.outline }),
    legend: () => this.#shown.controls.legend.focus(),
    view: () => this.setView(this.views[(this.views.indexOf(this.view) + 1) % this.views.length]!),
    focus: () => this.#toggleFocus(),
    sync: () => this.#toggleSync(),
    home: () => this.#shown.panes.home(!this.#shown.isAnimated),
    "zoom-in": () => this.#move((viewer) => viewer.zoomBy(ZOOM)),
    "zoom-out": () => this.#move((viewer) => viewer.zoomBy(1 / ZOOM)),
    "one-to-one": () => this.#move((viewer) => viewer.zoomOneToOne()),
    "pan-left": () => this.#move((viewer) => viewer.panBy(-PAN, 0)),
    "pan-right": () => this.#move((viewer) => viewer.panBy(PAN, 0)),
    "pan-up": () => this.#move((viewer) => viewer.panBy(0, -PAN)),
    "pan-down": () => this.#move((viewer) => viewer.panBy(0, PAN)),
  };
}
