/** The scoring page as a whole: the parts put together, and what each key and button does. */

import { Announcer } from "./a11y.ts";
import { AdjudicationPanel } from "./adjudication.ts";
import { Problem, type AdjudicationCase, type Api, type Case, type Scored } from "./api.ts";
import { showCalibration } from "./calibration.ts";
import { Controls } from "./controls.ts";
import { Desk } from "./desk.ts";
import { h } from "./dom.ts";
import type { Drafts } from "./drafts.ts";
import { Header } from "./header.ts";
import { showHelp } from "./help.ts";
import type { History } from "./history.ts";
import { Keyboard, isTyping } from "./keyboard.ts";
import { Keymap } from "./keys.ts";
import { Outbox, type Answer, type Entry, type Listener, type Surroundings } from "./outbox.ts";
import type { Pane } from "./pane.ts";
import { Panes } from "./panes.ts";
import { Prefetch } from "./prefetch.ts";
import { Presentation } from "./presentation.ts";
import { Presses } from "./presses.ts";
import { Reading } from "./reading.ts";
import { askConflict } from "./remarks.ts";
import { Scoring } from "./scoring.ts";
import type { Settings } from "./settings.ts";
import { Stopwatch } from "./stopwatch.ts";
import { Layout } from "./views.ts";
import type { Painting } from "./viewer.ts";

export interface Parts {
  readonly api: Api;
  readonly settings: Settings;
  readonly drafts: Drafts;
  readonly history: History;
  readonly surroundings: Omit<Surroundings, "listener" | "send">;
  readonly isGone: (tab: string) => boolean;
  readonly isAnimated: boolean;
}

const LOOK_AGAIN_MS = 5000;

export class App {
  readonly panes: Panes;
  reading: Reading | undefined;
  readonly #parts: Parts;
  readonly #announcer = new Announcer();
  readonly #header: Header;
  readonly #controls: Controls;
  readonly #layout: Layout;
  readonly #outbox: Outbox;
  readonly #scoring: Scoring;
  readonly #prefetch: Prefetch;
  readonly #stopwatch: Stopwatch;
  readonly #desk: Desk;
  readonly #presentation: Presentation;
  readonly #presses = new Presses({
    act: (action) => this.#do(action),
    isTyping,
    going: (isGoing) => this.panes.element.setAttribute("aria-busy", String(isGoing)),
  });
  readonly #painting: Painting = { lut: new Uint8ClampedArray(1024), isOutline: false, opacity: 0.45 };
  #keymap: Keymap;
  #opening = 0;
  #lookAgain: number | undefined;
  #adjudication: AdjudicationPanel | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { api, settings } = parts;
    this.#keymap = new Keymap(settings.value.shortcuts.keys);
    this.#header = new Header((action) => this.act(action));
    this.#controls = new Controls({
      act: (action) => this.act(action),
      classes: () => this.#presentation.repaint(),
      opacity: (opacity) => this.#presentation.set({ opacity }),
      view: (view) => this.#presentation.setView(view),
      leave: () => this.#activePane?.focus(),
    });
    this.panes = new Panes(this.#painting, this.#paneEvents(), parts.isAnimated);
    document.body.replaceChildren(this.#header.element, this.#header.banner, this.panes.element, this.#controls.element, this.#announcer.element);
    this.#layout = new Layout(this.panes, (place) => this.activate(place), () => this.#presentation.showViews());
    this.#prefetch = new Prefetch(api);
    this.#stopwatch = new Stopwatch(api);
    this.#outbox = new Outbox({ ...parts.surroundings, send: (entry) => this.#deliver(entry), listener: this.#listener() });
    this.#scoring = new Scoring(this.#outbox, parts.drafts, parts.history, {
      reading: () => this.reading,
      open: async (key) => this.reading?.case.key === key || this.open(key),
      refresh: () => this.#refresh(),
      activate: (place) => this.activate(place),
      view: () => ({ ...this.panes.leader.viewer.place() }),
      say: (sentence) => this.#announcer.say(sentence),
      warn: (sentence) => this.#announcer.warn(sentence),
    });
    const [reading, activePane] = [() => this.reading, () => this.#activePane];
    this.#presentation = new Presentation({
      settings,
      panes: this.panes,
      painting: this.#painting,
      controls: this.#controls,
      layout: this.#layout,
      announcer: this.#announcer,
      isAnimated: parts.isAnimated,
      reading,
      activePane,
    });
    this.#desk = new Desk({
      api,
      settings,
      scoring: this.#scoring,
      panes: this.panes,
      announcer: this.#announcer,
      keymap: () => this.#keymap,
      reading,
      activePane,
      activate: (place) => this.activate(place),
      open: (key) => this.open(key),
      act: (action) => this.act(action),
    });
    document.body.append(this.#desk.chip);
    new Keyboard({
      keymap: () => this.#keymap,
      isOn: () => settings.value.shortcuts.enabled,
      act: (action) => this.act(action),
      letters: () => (this.#layout.shown === "flicker" ? this.panes.outputs.map((pane) => pane.name.toLowerCase()) : []),
      swap: (place) => this.#swap(place),
    });
    window.addEventListener("popstate", () => void this.open(location.pathname.split("/").pop() ?? "", { isBack: true }));
  }

  /** Shows the first case. */
  async start(key: string): Promise<void> {
    await this.#parts.settings.load();
    this.#applySettings();
    await this.#outbox.start(this.#parts.isGone);
    await this.open(key, { isBack: true });
  }

  /** Shows an adjudication: its case to look at, and the panel in which the consensus is given. */
  async startAdjudication(study: string, key: string): Promise<void> {
    const path = `/v1/studies/${encodeURIComponent(study)}/adjudications/${key}`;
    await this.#parts.settings.load();
    this.#applySettings();
    try {
      const shown = await this.#parts.api.get<AdjudicationCase>(path);
      this.#show(shown.case, true);
      this.#adjudication = new AdjudicationPanel(this.#parts.api, path, shown, {
        word: (value) => this.reading?.word(value) ?? String(value),
        say: (sentence) => this.#announcer.say(sentence),
        warn: (sentence) => this.#announcer.warn(sentence),
        hasShortcuts: () => this.#parts.settings.value.shortcuts.enabled,
      });
      this.#header.banner.replaceWith(this.#adjudication.element);
      this.#header.showAdjudication(study);
      this.activate(shown.case.panes.findIndex((pane) => pane.pane === shown.pane));
    } catch (error) {
      this.#showRefusal(error);
    }
  }

  #applySettings(): void {
    this.#keymap = new Keymap(this.#parts.settings.value.shortcuts.keys);
    this.#presentation.apply();
  }

  #listener(): Listener {
    return {
      changed: (state, waiting) => {
        this.#header.showState(state, waiting);
        if (this.reading && state !== "offline" && state !== "signed-out") this.#header.showClosed(this.reading);
      },
      delivered: (entry, answer) => this.#scoring.delivered(entry, answer),
      refused: (entry, sentence) => this.#scoring.refused(entry, sentence),
      decide: (entry, current, later) => {
        this.#announcer.warn(`${entry.label} was changed elsewhere.`);
        return askConflict(entry, current as Scored, later);
      },
      yielded: (entries, current, version) => this.#scoring.yielded(entries, current, version),
    };
  }

  async #deliver(entry: Entry): Promise<Answer> {
    const answer = await this.#parts.api.deliver(entry);
    // Noted while the change still lies in the outbox: a case is laid out with it or fetched with it.
    if (answer.kind === "done" || answer.kind === "conflict") this.#prefetch.noteChange(entry.assignment);
    return answer;
  }

  /** Opens a case in the panes that are there; false where it cannot be opened. */
  async open(key: string, { isBack = false } = {}): Promise<boolean> {
    this.#desk.keepComment();
    const opening = ++this.#opening;
    const kept = this.#prefetch.peek(key);
    if (kept) {
      this.#show(kept, isBack);
      void this.#look(kept, opening);
      return true;
    }
    try {
      const fresh = await this.#prefetch.take(key);
      if (opening === this.#opening) this.#show(fresh, isBack);
    } catch (error) {
      if (opening === this.#opening) this.#refuse(error, isBack);
    }
    return this.reading?.case.key === key;
  }

  /** A case is shown as it had been fetched earlier: looks what is new about it. */
  async #look(kept: Case, opening: number): Promise<void> {
    try {
      const fresh = await this.#prefetch.take(kept.key);
      if (opening === this.#opening && fresh !== kept) this.#renew(fresh);
    } catch (error) {
      if (opening === this.#opening && error instanceof Problem) this.#showRefusal(error);
    }
  }

  /** A case does not come: where that may pass, the one that is there stays. */
  #refuse(error: unknown, isBack: boolean): void {
    if (error instanceof Problem || !this.reading) return this.#showRefusal(error);
    if (isBack) history.pushState(null, "", `/score/${this.reading.case.key}`);
    this.#announcer.warn("The service does not answer, so that case cannot be opened yet.");
  }

  #show(opened: Case, isBack: boolean): void {
    const reading = new Reading(opened);
    this.reading = reading;
    this.#scoring.overlay(reading);
    reading.active = reading.nextOpen(-1) ?? reading.active;
    if (!isBack && !location.pathname.endsWith(opened.key)) history.pushState(null, "", `/score/${opened.key}`);
    if (opened.is_own) this.#stopwatch.begin(opened.key);
    this.#controls.legend.show(opened.legend, this.#parts.settings.value.palette);
    this.#controls.showAnchors(opened.study.anchors);
    this.#presentation.takeColours();
    const isShown = this.panes.open(reading);
    this.#presentation.showViews();
    this.#refresh();
    this.activate(reading.active);
    this.#announcer.say(`${opened.label} of ${opened.total}, ${opened.cohort}${opened.tissue_type ? `, ${opened.tissue_type}` : ""}.`);
    if (opened.is_own) void this.#parts.api.send("POST", `/v1/assignments/${opened.key}/open`, {}).catch(() => undefined);
    void isShown.then(() => this.#prefetchNext(reading));
    clearTimeout(this.#lookAgain);
    if (opened.roi.tiles_state === "making") this.#lookAgain = window.setTimeout(() => void this.open(opened.key), LOOK_AGAIN_MS);
  }

  async #prefetchNext(reading: Reading): Promise<void> {
    if (this.reading !== reading) return;
    await this.#prefetch.ahead(reading.case, this.panes.reference.viewer.osd.container.clientWidth || 600);
  }

  /** Takes up what is new about the case that is shown. */
  #renew(fresh: Case): void {
    const { reading } = this;
    if (reading?.case.key !== fresh.key) return;
    if (fresh.roi.tiles !== null && reading.case.roi.tiles === null) return this.#show(fresh, true);
    const { active } = reading;
    const renewed = new Reading(fresh);
    this.#scoring.overlay(renewed);
    for (const pane of renewed.panes) {
      const shown = reading.panes[pane.at];
      // What was changed since stays; the rest is as the service has it.
      if (shown?.isPending) Object.assign(pane, { held: shown.held, isPending: true });
      const view = this.panes.at(pane.at);
      if (view) view.state = pane;
    }
    renewed.active = active;
    this.reading = renewed;
    this.#refresh();
  }

  #showRefusal(error: unknown): void {
    this.reading = undefined;
    const isSignedOut = error instanceof Problem && error.status === 401;
    const sentence = error instanceof Error ? error.message : String(error);
    const link = isSignedOut ? h("a", { class: "button is-main", href: this.#signInAddress() }, "Sign in") : h("a", { class: "button is-main", href: "/" }, "To the first page");
    this.#announcer.warn(sentence);
    document.body.append(h("div", { class: "screen", role: "group", "aria-label": "Case not shown" }, h("h1", {}, isSignedOut ? "Your session has ended" : "This case cannot be shown"), h("p", {}, sentence), link));
    document.querySelector<HTMLElement>(".screen a")?.focus();
  }

  #signInAddress(): string {
    return `/auth/login?then=${encodeURIComponent(location.pathname)}`;
  }

  // Panes

  #paneEvents(): ConstructorParameters<typeof Panes>[1] {
    return {
      activate: (pane) => this.#turnTo(pane),
      tileLoaded: () => this.#stopwatch.noteTile(),
      loaded: () => this.#stopwatch.noteLoaded(),
      missingChanged: (pane) => {
        this.#stopwatch.noteMissing(pane.viewer.missing);
        if (pane.viewer.missing > 0) this.#announcer.warn(`${pane.isReference ? "H&E" : `Output ${pane.name}`}: ${pane.viewer.missing} tiles are missing.`);
      },
      enlarge: (pane) => {
        if (!pane.isReference && pane.state) this.activate(pane.state.at);
        this.act("focus");
      },
      choose: (pane, value) => void this.#desk.score(pane, value, false),
      answer: (pane, answers) => pane.state && this.#scoring.change([{ pane: pane.state, held: { ...pane.state.held, answers } }]),
      editComment: (pane) => {
        if (pane.state) this.activate(pane.state.at);
        this.act("comment");
      },
      typeComment: (pane, text) => this.reading && pane.state && this.#parts.drafts.keep(this.reading.case.key, pane.state.output.output, text),
      endComment: (pane) => this.#desk.endComment(pane),
      report: (pane) => void this.#desk.flag(pane, "output"),
      showExamples: () => this.act("calibration"),
      word: (value) => this.reading?.word(value) ?? String(value),
      hasShortcuts: () => this.#parts.settings.value.shortcuts.enabled,
    };
  }

  get #activePane(): Pane | undefined {
    return this.panes.at(this.reading?.active ?? 0);
  }

  /** A press or the focus in a pane makes it the active one; the H&E is nobody's to score. */
  #turnTo(pane: Pane): void {
    if (!pane.state || !this.reading || this.reading.active === pane.state.at) return;
    this.reading.active = pane.state.at;
    this.#layout.set(this.#presentation.view, pane.state.at);
  }

  /** Makes a pane the active one, and puts the focus there. */
  activate(place: number): void {
    const { reading } = this;
    const pane = this.panes.at(place);
    if (!reading || !pane) return;
    reading.active = place;
    this.#layout.set(this.#presentation.view, place);
    pane.focus();
  }

  /** Shows another output in its place; as long as the key is held, or for good. */
  #swap(place: number): number {
    const before = this.reading?.active ?? 0;
    const count = this.panes.outputs.length;
    this.activate((place + count) % count);
    return before;
  }

  #refresh(): void {
    const { reading } = this;
    if (!reading) return;
    for (const pane of this.panes.all) pane.show(reading);
    this.#layout.apply();
    this.#header.show(reading, this.#parts.history);
    this.#header.showClosed(reading);
    this.#presentation.showControls();
  }

  // What keys and buttons do

  /** Does what a key or a button stands for, in the case that it means. */
  act(action: string): void {
    this.#presses.press(action);
  }

  readonly #actions: Readonly<Record<string, () => void>> = {
    calibration: () => this.reading && void showCalibration(this.#parts.api, this.reading, this.#parts.settings.value.palette),
    help: () => void showHelp(this.#parts.settings, this.panes.outputs.length, () => this.#applySettings()),
    "sign-in": () => location.assign(this.#signInAddress()),
  };

  #do(action: string): Promise<boolean> | void {
    if (!this.reading && action !== "help" && action !== "sign-in") return;
    const score = /^score-(\d+)$/.exec(action)?.[1];
    if (score !== undefined && this.#adjudication) return this.#adjudication.choose(Number(score));
    if (score !== undefined) return void this.#desk.score(this.#activePane, Number(score), true);
    const pane = /^pane-(\d)$/.exec(action)?.[1];
    if (pane !== undefined) return this.activate(Number(pane) - 1);
    const way = this.#desk.ways[action];
    if (way) return way();
    (this.#desk.actions[action] ?? this.#presentation.actions[action] ?? this.#actions[action])?.();
  }
}
