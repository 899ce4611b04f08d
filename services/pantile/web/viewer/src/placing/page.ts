/** The page of a slide as a whole: what keys, buttons and drags do, what is saved, and what is cut out. */

import { Announcer } from "../a11y.ts";
import { Problem, type Api } from "../api.ts";
import { h, toolButton } from "../dom.ts";
import { Keyboard } from "../keyboard.ts";
import { Keymap } from "../keys.ts";
import type { Settings } from "../settings.ts";
import { ACTIONS } from "./actions.ts";
import { Draft } from "./drafts.ts";
import { centredAt, moved, resized, sized, type Handle, type Point, type Rectangle } from "./geometry.ts";
import { Panel, type Findings } from "./panel.ts";
import { askUnsaved, showHelp } from "./questions.ts";
import { Saving } from "./saving.ts";
import { areAllSame, byTissue, inOrder, isUnderWay, roiAt, TISSUE_TYPES, TITLES, warningsOf, type Rectangles, type Slide, type SlideRoi, type TissueType } from "./slide.ts";
import { Stage, type Mark } from "./stage.ts";
import { Steps } from "./steps.ts";
import type { Tissue } from "./tissue.ts";
import { TopBar, type Standing } from "./topbar.ts";

const LOOK_AGAIN_MS = 3000;
/** What a key moves, in pixels of the screen. */
const STEP_PX = 10;
const PAN = 0.2;
const ZOOM = 1.5;

export interface Parts {
  readonly api: Api;
  readonly settings: Settings;
  readonly isAnimated: boolean;
  readTissue(slide: Slide): Promise<Tissue | undefined>;
}

export class PlacingPage {
  readonly stage: Stage;
  readonly #parts: Parts;
  readonly #saving: Saving;
  readonly #announcer = new Announcer();
  readonly #top: TopBar;
  readonly #panel: Panel;
  readonly #mask: HTMLButtonElement;
  readonly #draft: Draft;
  readonly #keymap: Keymap;
  readonly #steps: Steps<Rectangles>;
  #selected: TissueType | null = null;
  #dragged: Rectangles | undefined;
  #tissue: Tissue | undefined;
  #isLeaving = false;
  #warned = "";
  #lookAgain: number | undefined;

  constructor(slide: Slide, parts: Parts) {
    this.#parts = parts;
    this.#top = new TopBar((action) => this.act(action));
    this.#saving = new Saving(slide, {
      api: parts.api,
      top: this.#top,
      announcer: this.#announcer,
      rectangles: () => this.#steps.now,
      take: (rectangles) => this.#take(rectangles),
      changed: () => this.#changed(),
    });
    this.#draft = new Draft(slide.id);
    this.#keymap = new Keymap(parts.settings.value.shortcuts.keys, ACTIONS);
    this.#steps = new Steps(this.#saving.saved);
    const kept = this.#draft.find(slide.placing.version);
    if (kept && slide.may_place) this.#steps.take(kept);
    this.#panel = new Panel({ act: (action) => this.act(action), type: (tissue, rectangle) => this.#put(tissue, rectangle), actOn: (tissue, action) => this.#actOn(tissue, action) });
    this.stage = new Stage({ select: (tissue) => this.#select(tissue), drag: (tissue, rectangle, isDone) => this.#drag(tissue, rectangle, isDone) }, parts.isAnimated);
    this.#mask = toolButton("Tissue", "Darken what is no tissue", () => this.act("masks"), { "aria-pressed": "false", disabled: slide.tissue_url === null });
    document.title = `${slide.name} · Pantile`;
    document.body.replaceChildren(this.#top.element, this.#top.banner, h("main", { class: "placing" }, this.stage.element, this.#panel.element), this.#bottom(), this.#announcer.element);
    new Keyboard({ keymap: () => this.#keymap, isOn: () => parts.settings.value.shortcuts.enabled, act: (action) => this.act(action), letters: () => [], swap: () => 0 });
    window.addEventListener("beforeunload", (event) => this.#isDirty && !this.#isLeaving && event.preventDefault());
  }

  #bottom(): HTMLElement {
    const zoom = ([["⌂", "Whole slide", "home"], ["−", "Zoom out", "zoom-out"], ["+", "Zoom in", "zoom-in"]] as const).map(([label, title, action]) => toolButton(label, title, () => this.act(action)));
    return h("footer", { class: "bar controls" }, h("div", { class: "group" }, this.#mask, ...zoom), h("p", { class: "anchors" }, "T tumor · N normal · arrows move · C cut out · J next · ? all keys"));
  }

  async start(): Promise<void> {
    if (!this.slide.may_place) this.#top.tell("You may look at this slide; placing rectangles takes the role operator.");
    this.#show();
    await this.stage.open(this.slide);
    this.#show();
    this.#follow();
    this.#tissue = await this.#parts.readTissue(this.slide);
    this.#show();
  }

  // What is there

  get rectangles(): Rectangles {
    return this.#dragged ?? this.#steps.now;
  }

  /** As the service has it. */
  get slide(): Slide {
    return this.#saving.slide;
  }

  get #isDirty(): boolean {
    return this.slide.may_place && !areAllSame(this.#steps.now, this.#saving.saved);
  }

  get #isGuess(): boolean {
    return this.slide.placing.version === 0 && this.slide.guesses.length > 0 && areAllSame(this.rectangles, byTissue(this.slide.guesses));
  }

  get standing(): Standing {
    if (this.#saving.isBusy) return "saving";
    if (this.#isDirty) return this.#saving.isOffline ? "offline" : "changed";
    if (this.#isGuess) return "guessed";
    if (inOrder(this.rectangles).length === 0) return "empty";
    return this.slide.placing.is_cut ? "cut" : "saved";
  }

  #show(): void {
    const { slide, rectangles } = this;
    const findings = Object.fromEntries(TISSUE_TYPES.map((tissue) => [tissue, this.#findingsOf(tissue)])) as Record<TissueType, Findings>;
    this.#top.show(slide, this.standing, this.#steps);
    this.#panel.show(slide, rectangles, { selected: this.#selected, isGuess: this.#isGuess, findings });
    this.stage.show(rectangles, { selected: this.#selected, isGuess: this.#isGuess, mayChange: slide.may_place, marks: this.#marks() });
    this.#mask.setAttribute("aria-pressed", String(this.stage.isMaskOn));
    if (!this.#dragged) this.#sayWarnings(findings);
  }

  #findingsOf(tissue: TissueType): Findings {
    const { rectangles, slide } = this;
    const own = rectangles[tissue];
    const size = { width_px: slide.width_px ?? 1, height_px: slide.height_px ?? 1 };
    return { tissue: own && this.#tissue?.shareOf(own), warnings: warningsOf(tissue, rectangles, size, this.#tissue) };
  }

  #sayWarnings(findings: Readonly<Record<TissueType, Findings>>): void {
    const warned = TISSUE_TYPES.flatMap((tissue) => findings[tissue].warnings.map((warning) => `${TITLES[tissue]}: ${warning}`)).join(" ");
    if (warned !== this.#warned && warned !== "") this.#announcer.say(warned);
    this.#warned = warned;
  }

  #marks(): Mark[] {
    const isShown = (roi: SlideRoi): boolean => !TISSUE_TYPES.some((tissue) => this.rectangles[tissue] && roiAt([roi], tissue, this.rectangles[tissue]));
    const rois = this.slide.rois.filter(isShown).map(({ place, tissue_type, roi_number }): Mark => ({ place, label: `${TITLES[tissue_type]} ROI ${roi_number}`, kind: "roi" }));
    const theirs = (this.#saving.theirs?.rectangles ?? []).map((placed): Mark => ({ place: placed, label: `${TITLES[placed.tissue_type]}, theirs`, kind: "theirs" }));
    return [...rois, ...theirs];
  }

  // What is changed

  #take(rectangles: Rectangles, name = ""): void {
    if (!this.slide.may_place || areAllSame(rectangles, this.#steps.now)) return;
    this.#steps.take(rectangles, name);
    this.#changed();
  }

  #changed(): void {
    if (this.#isDirty) this.#draft.keep(this.slide.placing.version, this.#steps.now);
    else this.#draft.drop();
    this.#show();
  }

  #put(tissue: TissueType, rectangle: Rectangle, name = ""): void {
    this.#take({ ...this.#steps.now, [tissue]: rectangle }, name);
  }

  #select(tissue: TissueType | null): void {
    if (this.#selected === tissue) return;
    this.#selected = tissue;
    this.#steps.pause();
    this.#show();
  }

  /** Chooses a rectangle, and places one in the middle of what is seen where there is none. */
  #choose(tissue: TissueType): void {
    const size = this.slide.study_size;
    if (!this.rectangles[tissue]) {
      if (!this.slide.may_place || !size) return;
      this.#put(tissue, centredAt(this.stage.centre(), size));
      this.#announcer.say(`${TITLES[tissue]} placed.`);
    }
    this.#select(tissue);
    this.stage.focusRectangle(tissue);
  }

  #drag(tissue: TissueType, rectangle: Rectangle, isDone: boolean): void {
    const rectangles = { ...this.#steps.now, [tissue]: rectangle };
    this.#dragged = isDone ? undefined : rectangles;
    if (isDone) this.#take(rectangles);
    this.#show();
  }

  #actOn(tissue: TissueType, action: string): void {
    this.#select(tissue);
    this.act(action);
  }

  /** Moves the chosen rectangle by a step of the screen; without one, the slide. */
  #move({ x, y }: Point): void {
    const own = this.#selected && this.rectangles[this.#selected];
    if (!this.#selected || !own) return this.stage.panBy(x * PAN, y * PAN);
    this.#put(this.#selected, moved(own, { x: x * this.#step, y: y * this.#step }), "move");
  }

  #resize(handle: Handle, by: number): void {
    const own = this.#selected && this.rectangles[this.#selected];
    if (this.#selected && own) this.#put(this.#selected, resized(own, handle, { x: by * this.#step, y: by * this.#step }), "resize");
  }

  /** A step of the screen in pixels of the slide. */
  get #step(): number {
    return Math.max(1, Math.round(STEP_PX / this.stage.imageZoom()));
  }

  #remove(): void {
    if (!this.#selected) return;
    const { [this.#selected]: _, ...others } = this.#steps.now;
    this.#take(others);
    this.#announcer.say(`${TITLES[this.#selected]} taken away.`);
    this.#select(null);
    this.stage.element.focus({ preventScroll: true });
  }

  #goBack(hasGone: boolean, sentence: string): void {
    if (!hasGone) return;
    this.#announcer.say(sentence);
    this.#changed();
  }

  // What the service is asked

  async #cut(): Promise<void> {
    if (await this.#saving.cut()) this.#follow();
  }

  async #goOn(): Promise<void> {
    if (this.slide.next === null) return this.#announcer.say("No other slide of the cohort is without rectangles.");
    if (this.#isDirty) {
      const choice = await askUnsaved();
      if (choice === "" || (choice === "save" && !(await this.#saving.save()))) return;
    }
    this.#isLeaving = true;
    this.#draft.drop();
    location.assign(`/slides/${this.slide.next}`);
  }

  /** Looks again as long as tiles are being made or ROIs cut out. */
  #follow(): void {
    const { slide } = this;
    clearTimeout(this.#lookAgain);
    if (slide.tiles_state === "failed") this.stage.tell(`Tiles could not be made: ${slide.tiles_error ?? "no reason is known"}`, "Try again", () => void this.#askTiles());
    else this.stage.tell(slide.tiles_state === "making" ? "Tiles are being made; until then this is the overview." : null);
    if (slide.tiles_state === "making" || slide.rois.some(isUnderWay)) this.#lookAgain = window.setTimeout(() => void this.#look(), LOOK_AGAIN_MS);
  }

  async #look(): Promise<void> {
    try {
      await this.#saving.look();
    } catch (error) {
      // What the service refuses now it will refuse again; one that does not answer is asked again.
      if (error instanceof Problem) return this.#top.tell(error.message);
    }
    this.stage.showTiles(this.slide);
    this.#follow();
    this.#show();
  }

  async #askTiles(): Promise<void> {
    this.stage.tell(null);
    this.stage.element.focus({ preventScroll: true });
    await this.#saving.askTiles().catch((error: unknown) => this.#top.tell(error instanceof Error ? error.message : String(error)));
    await this.#look();
  }

  // What keys and buttons do

  readonly #actions: Readonly<Record<string, () => unknown>> = {
    tumor: () => this.#choose("tumor"),
    normal: () => this.#choose("normal"),
    deselect: () => (this.#select(null), this.stage.element.focus({ preventScroll: true })),
    left: () => this.#move({ x: -1, y: 0 }),
    right: () => this.#move({ x: 1, y: 0 }),
    up: () => this.#move({ x: 0, y: -1 }),
    down: () => this.#move({ x: 0, y: 1 }),
    wider: () => this.#resize("e", 1),
    narrower: () => this.#resize("e", -1),
    taller: () => this.#resize("s", 1),
    lower: () => this.#resize("s", -1),
    "study-size": () => {
      const own = this.#selected && this.rectangles[this.#selected];
      if (this.#selected && own && this.slide.study_size) this.#put(this.#selected, sized(own, this.slide.study_size));
    },
    swap: () => {
      const { tumor, normal } = this.#steps.now;
      this.#take({ ...(normal && { tumor: normal }), ...(tumor && { normal: tumor }) });
      this.#announcer.say("Tumor and normal have changed places.");
    },
    remove: () => this.#remove(),
    guess: () => this.slide.guesses.length > 0 && this.#take(byTissue(this.slide.guesses)),
    undo: () => this.#goBack(this.#steps.undo(), "Undone."),
    redo: () => this.#goBack(this.#steps.redo(), "Done again."),
    save: () => void this.#saving.save(),
    cut: () => void this.#cut(),
    "next-slide": () => void this.#goOn(),
    masks: () => {
      if (this.slide.tissue_url === null) return;
      this.stage.setMask(!this.stage.isMaskOn);
      this.#show();
    },
    "go-to": () => {
      const own = this.#selected && this.rectangles[this.#selected];
      if (own) this.stage.goTo(own);
    },
    home: () => this.stage.goHome(),
    "zoom-in": () => this.stage.zoomBy(ZOOM),
    "zoom-out": () => this.stage.zoomBy(1 / ZOOM),
    "pan-left": () => this.stage.panBy(-PAN, 0),
    "pan-right": () => this.stage.panBy(PAN, 0),
    "pan-up": () => this.stage.panBy(0, -PAN),
    "pan-down": () => this.stage.panBy(0, PAN),
    help: () => void showHelp(this.#parts.settings, this.#keymap),
  };

  /** Does what a key or a button stands for. */
  act(action: string): void {
    this.#actions[action]?.();
  }
}
