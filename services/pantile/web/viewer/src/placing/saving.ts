/** What the service has of a slide: rectangles are saved, somebody else's are met, and ROIs are cut out. */

import type { Announcer } from "../a11y.ts";
import { Problem, Unreachable, type Api } from "../api.ts";
import { askConflict } from "./questions.ts";
import { areAllSame, byTissue, inOrder, type CutOutAnswer, type Placing, type PlacingIn, type Rectangles, type Slide } from "./slide.ts";
import type { TopBar } from "./topbar.ts";

export interface SavingParts {
  readonly api: Api;
  readonly top: TopBar;
  readonly announcer: Announcer;
  /** What is on the screen, to be saved. */
  rectangles(): Rectangles;
  /** Puts others in their place, as a step that can be undone. */
  take(rectangles: Rectangles): void;
  changed(): void;
}

export class Saving {
  slide: Slide;
  /** What somebody else has saved meanwhile, as long as that is not settled. */
  theirs: Placing | undefined;
  isBusy = false;
  isOffline = false;
  readonly #parts: SavingParts;
  readonly #path: string;

  constructor(slide: Slide, parts: SavingParts) {
    this.slide = slide;
    this.#parts = parts;
    this.#path = `/v1/slides/${slide.id}`;
  }

  /** What the service has; where nobody has saved anything, the first guess. */
  get saved(): Rectangles {
    const { placing, guesses } = this.slide;
    return byTissue(placing.version === 0 ? guesses : placing.rectangles);
  }

  /** Saves the rectangles; false where those on the screen are not saved afterwards. */
  async save(): Promise<boolean> {
    const sent = this.#parts.rectangles();
    if (!this.slide.may_place || this.isBusy) return false;
    if (this.slide.placing.version > 0 && areAllSame(sent, this.saved)) return true;
    const body: PlacingIn = { rectangles: inOrder(sent) };
    const isSaved = await this.#ask(
      async () => this.#took(await this.#parts.api.sendSeen<Placing>("PUT", `${this.#path}/placing`, body, this.slide.placing.version)),
      () => this.save(),
    );
    if (isSaved) this.#parts.announcer.say("Saved.");
    return isSaved;
  }

  /** Saves what is not saved, and has it cut out; says whether that is so. */
  async cut(): Promise<boolean> {
    if (inOrder(this.#parts.rectangles()).length === 0 || !(await this.save())) return false;
    const { placing } = this.slide;
    return this.#ask(
      async () => {
        const { added, rois } = await this.#parts.api.sendSeen<CutOutAnswer>("POST", `${this.#path}/placing/cut`, {}, placing.version);
        this.slide = { ...this.slide, rois, placing: { ...placing, is_cut: true } };
        this.#parts.announcer.say(added === 0 ? "These ROIs were cut out before." : `${added === 1 ? "1 ROI is" : `${added} ROIs are`} being cut out.`);
      },
      () => this.cut(),
    );
  }

  /** Takes what has become of the slide; what others have placed meanwhile is met when one saves. */
  async look(): Promise<void> {
    const fresh = await this.#parts.api.get<Slide>(`${this.#path}/placing`);
    this.slide = { ...fresh, placing: this.slide.placing };
  }

  async askTiles(): Promise<void> {
    await this.#parts.api.send("POST", `${this.#path}/pyramid`, {});
  }

  #took(placing: Placing): void {
    this.slide = { ...this.slide, placing };
    this.theirs = undefined;
    this.isOffline = false;
    this.#parts.top.tell(null);
  }

  /** Asks something that names the version that was seen; after a conflict once more, where the person says so. */
  async #ask(question: () => Promise<void>, again: () => Promise<boolean>): Promise<boolean> {
    this.isBusy = true;
    this.#parts.changed();
    const error = await question().then(
      () => undefined,
      (reason: unknown) => reason ?? new Error("It was refused."),
    );
    this.isBusy = false;
    this.#parts.changed();
    if (error === undefined) return true;
    const current = error instanceof Problem && error.status === 412 ? (error.body.current as Placing | undefined) : undefined;
    if (current) return this.#settle(current, again);
    this.#tell(error);
    return false;
  }

  #tell(error: unknown): void {
    this.isOffline = error instanceof Unreachable;
    const sentence = error instanceof Error ? error.message : String(error);
    const isSignedOut = error instanceof Problem && error.status === 401;
    this.#parts.top.tell(
      this.isOffline ? `${sentence} The rectangles are kept in this tab; save again in a moment.` : sentence,
      isSignedOut ? { label: "Sign in", href: `/auth/login?then=${encodeURIComponent(location.pathname)}` } : undefined,
    );
    this.#parts.announcer.warn(`Not done: ${sentence}`);
    this.#parts.changed();
  }

  async #settle(current: Placing, again: () => Promise<boolean>): Promise<boolean> {
    const own = this.#parts.rectangles();
    this.theirs = current;
    this.#parts.changed();
    this.#parts.announcer.warn("The rectangles were changed meanwhile.");
    const choice = await askConflict(current, own);
    if (choice === "") {
      this.#parts.top.tell(`${current.placed_by ?? "Somebody"} has saved other rectangles, drawn in dots. Saving asks again.`);
      return false;
    }
    this.#took(current);
    if (choice === "theirs") this.#parts.take(byTissue(current.rectangles));
    this.#parts.changed();
    return choice === "mine" && again();
  }
}
