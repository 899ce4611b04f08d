/** The shapes of `/v1` that our pages meet. Written by infra/setup/service_types.py out of the service's description: not by hand. */

/** What an event says was done. */
export type Action = "set" | "clear" | "comment" | "undo" | "redo" | "import" | "flag" | "unflag" | "complete" | "skip" | "reopen" | "withdraw";

/** What one reading says of the output; whose it is, is not told. */
export interface AdjudicatedReading {
  readonly value: number | null;
  readonly comment: string;
  readonly answers: Readonly<Record<string, string | readonly string[]>>;
  readonly flags: readonly ReadingFlag[];
}

/** An adjudication with what there is to see. `case` shows the whole ROI, without anybody's scores. */
export interface AdjudicationOut {
  readonly key: string;
  readonly reason: "difference" | "flag";
  readonly state: "open" | "signed";
  readonly cohort: string;
  readonly tissue_type: TissueType;
  readonly is_claimed: boolean;
  /** Whether the visitor has claimed it, and the claim holds. */
  readonly is_mine: boolean;
  readonly claimed_until: string | null;
  /** The consensus, once it is signed. */
  readonly value: number | null;
  readonly opened_at: string;
  readonly signed_at: string | null;
  readonly output: string;
  readonly pane: string;
  readonly first: AdjudicatedReading | null;
  readonly second: AdjudicatedReading | null;
  /** Readings beyond the second. */
  readonly others: readonly AdjudicatedReading[];
  readonly rationale: string;
  readonly signed_by: string | null;
  readonly history: readonly AdjudicationStep[];
  readonly case: CaseOut;
}

/** What was done in an adjudication. */
export interface AdjudicationStep {
  readonly action: "open" | "claim" | "release" | "sign" | "reopen";
  /** `rule` for what opens by itself. */
  readonly actor: string;
  readonly at: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** All that a rater is shown of an assignment. */
export interface CaseOut {
  readonly key: string;
  readonly study: CaseStudy;
  readonly label: string;
  /** None while the study is blinded. */
  readonly roi_name: string | null;
  readonly cohort: string;
  readonly tissue_type: TissueType;
  readonly position: number;
  readonly total: number;
  readonly done: number;
  readonly status: ReadingState;
  readonly purpose: Purpose;
  readonly round: number;
  /** Whether the visitor may score it, and does not only look at it. */
  readonly is_own: boolean;
  readonly comment: string;
  readonly flags: readonly FlagOut[];
  readonly roi: CaseRoi;
  /** The rater's cases of the same slide. */
  readonly sample: Readonly<Partial<Record<TissueType, string | null>>>;
  readonly panes: readonly PaneOut[];
  readonly legend: readonly LegendOut[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** The image that is scored. */
export interface CaseRoi {
  readonly width_px: number;
  readonly height_px: number;
  readonly mpp: number;
  /** None until they are made. */
  readonly tiles: TileSource | null;
  readonly tiles_state: "ready" | "making" | "failed" | "withdrawn";
}

/** The study of a case. */
export interface CaseStudy {
  readonly name: string;
  readonly title: string;
  readonly state: StudyState;
  readonly is_blinded: boolean;
  readonly presentation: Presentation;
  readonly anchors: Readonly<Record<string, string>>;
  readonly questions: readonly QuestionOut[];
}

/** Until when a claim holds. */
export interface ClaimOut {
  readonly claimed_until: string;
}

/** What a class stands for across segmenters, whatever each calls it. */
export type ClassGroup = "tumor" | "tumor_stroma" | "benign_epithelium" | "necrosis" | "inflammation" | "mucin" | "blood" | "other" | "background";

/** A comment on a case as a whole. */
export interface CommentIn {
  readonly comment: string;
}

/** How a case is completed. */
export interface CompleteIn {
  /** Complete it although something is not scored. */
  readonly skip_missing?: boolean;
}

/** How many rectangles became ROIs, how many had been before, and all ROIs of the slide. */
export interface CutOutAnswer {
  readonly added: number;
  readonly present: number;
  readonly rois: readonly PlacedRoi[];
}

/** The events of an assignment, first to last. */
export interface EventList {
  readonly events: readonly EventOut[];
}

/** One event of an assignment. */
export interface EventOut {
  readonly number: number;
  readonly action: Action;
  readonly output: string | null;
  readonly pane: string | null;
  readonly before: Readonly<Record<string, JsonValue>>;
  readonly after: Readonly<Record<string, JsonValue>>;
  readonly actor: string;
  readonly at: string;
  readonly client_at: string | null;
  readonly reason: string | null;
  readonly group: string | null;
  readonly hash: string;
}

/** A study's calibration images, with the legend of their class maps. */
export interface ExampleList {
  readonly examples: readonly ExampleOut[];
  readonly legend: readonly LegendOut[];
}

/** A calibration image. */
export interface ExampleOut {
  readonly cohort: string;
  readonly tissue_type: TissueType;
  readonly roi: CaseRoi;
  readonly panes: readonly ExamplePane[];
}

/** An output of a calibration image, with the score that experts gave where it is known and may be shown. */
export interface ExamplePane {
  readonly output: string;
  readonly is_missing: boolean;
  readonly tiles: MapSource | null;
  readonly value: number | null;
}

/** What is unusual about an ROI. */
export type Flag = "little tissue" | "blurred" | "pen" | "black";

/** A flag on a case, or on one of its outputs, to be set or taken back. */
export interface FlagIn {
  readonly kind: FlagKind;
  readonly output?: string | null;
  readonly note?: string;
  readonly is_set?: boolean;
}

/** What a rater can say of a case or an output besides the score. */
export type FlagKind = "difficult" | "image" | "tissue" | "output" | "other";

/** A flag; without an output it is on the case. */
export interface FlagOut {
  readonly output: string | null;
  readonly kind: FlagKind;
  readonly note: string;
}

export type JsonValue = unknown;

/** A class of the harmonised legend; colours by palette, none where it is transparent. */
export interface LegendOut {
  readonly index: number;
  readonly label: string;
  readonly letter: string;
  readonly group: ClassGroup;
  readonly colours: Readonly<Partial<Record<LegendPalette, string>>>;
}

/** The ways to colour a legend: for every kind of colour vision, and the study's two. */
export type LegendPalette = "accessible" | "simplified" | "detailed";

/** Tiles of a class map: `{url}/{level}/{x}_{y}.png`, 8-bit grey, each pixel an index of `groups`. */
export interface MapSource {
  readonly url: string;
  readonly format: "png";
  readonly tile_px: number;
  readonly overlap: number;
  readonly width_px: number;
  readonly height_px: number;
  readonly levels: number;
  /** Pixels of the ROI that the class map spans. */
  readonly extent_width_px: number;
  readonly extent_height_px: number;
  /** The same for all outputs. */
  readonly groups: readonly ClassGroup[];
}

/** Who asks, and what they may do. `csrf_token` goes into the header X-CSRF-Token of what changes something. */
export interface MeOut {
  readonly actor: string;
  readonly account: string | null;
  readonly role: Role | null;
  readonly scopes: readonly Scope[];
  /** None for a token, which needs no such header. */
  readonly csrf_token: string | null;
}

/** The case to go on with. */
export interface NextCase {
  readonly key: string;
}

/** One output of the case, at its place. */
export interface PaneOut {
  readonly pane: string;
  readonly output: string;
  /** There is no class map, and nothing to score. */
  readonly is_missing: boolean;
  readonly tiles: MapSource | null;
  readonly score: ScoreOut;
  /** None while the study is blinded. */
  readonly segmenter: string | null;
}

/** A rectangle in pixels of the slide's finest level, and the tissue seen in it. */
export interface PlacedRectangleIn {
  readonly tissue_type: TissueType;
  readonly left_px: number;
  readonly top_px: number;
  readonly width_px: number;
  readonly height_px: number;
}

/** A rectangle on a slide. */
export interface PlacedRectangleOut {
  readonly left_px: number;
  readonly top_px: number;
  readonly width_px: number;
  readonly height_px: number;
  readonly tissue_type: TissueType;
}

/** An ROI of a slide, and where it lies. */
export interface PlacedRoi {
  readonly roi: string;
  readonly tissue_type: TissueType;
  readonly roi_number: number;
  readonly place: RectangleOut;
  readonly state: string;
  readonly error: string | null;
  /** None before it is measured. */
  readonly quality?: QualityOut | null;
}

/** A refusal that tells what lies on the slide by now. */
export interface PlacingConflictProblem {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly current: PlacingOut;
}

/** All rectangles that shall lie on the slide; none takes away those that do. */
export interface PlacingIn {
  readonly rectangles: readonly PlacedRectangleIn[];
}

/** What is placed on a slide; version 0 where nobody has placed anything. */
export interface PlacingOut {
  readonly version: number;
  readonly rectangles: readonly PlacedRectangleOut[];
  /** All of it was cut out. */
  readonly is_cut: boolean;
  readonly placed_by: string | null;
  readonly placed_at: string | null;
}

/** All that the page of a slide shows. Sizes are known only of slides that were looked into. */
export interface PlacingPage {
  readonly id: number;
  readonly cohort: string;
  readonly name: string;
  readonly case: string;
  readonly state: SlideState;
  readonly error: string | null;
  readonly mpp: number | null;
  readonly width_px: number | null;
  readonly height_px: number | null;
  readonly tissue_fraction: number | null;
  /** How large the study's ROIs are on this slide. */
  readonly study_size: SizeOut | null;
  readonly overview_url: string | null;
  readonly tissue_url: string | null;
  /** None until they are made. */
  readonly tiles: TileSource | null;
  /** Pixels of the slide for one of the finest tiles, each way. */
  readonly downsample: number | null;
  readonly tiles_state: "ready" | "making" | "failed";
  readonly tiles_error: string | null;
  /** The first guess; which is tumor is not known. */
  readonly guesses: readonly PlacedRectangleOut[];
  readonly placing: PlacingOut;
  readonly rois: readonly PlacedRoi[];
  readonly may_place: boolean;
  /** The next slide of the cohort on which nobody has placed anything. */
  readonly next: number | null;
}

/** How outputs are shown: side by side, as in the article's study, or one at a time. */
export type Presentation = "grid" | "single";

/** Why an ROI is assigned: to be scored, by a second rater, once more by the same one, or to practise. */
export type Purpose = "primary" | "second" | "repeat" | "calibration";

/** The quality of an ROI's image at 1.0 mpp. Nothing is dropped for it. */
export interface QualityOut {
  /** Share of tissue, 0 to 1. */
  readonly tissue: number;
  /** Variance of the Laplacian over tissue; None where there is none. */
  readonly sharpness: number | null;
  /** Share of pen. */
  readonly pen: number;
  /** Share of black. */
  readonly black: number;
  /** What is unusual. */
  readonly flags: readonly Flag[];
}

/** What answers a question: a score of 0-10, one of its options, some of them, or words. */
export type QuestionKind = "score" | "choice" | "choices" | "text";

/** A question that is asked of each output of the case; one of kind `score` is answered by `value`. */
export interface QuestionOut {
  readonly number: number;
  readonly kind: QuestionKind;
  readonly prompt: string;
  readonly options: readonly string[];
  readonly is_required: boolean;
}

/** A flag of a reading, on the output or its case. */
export interface ReadingFlag {
  readonly kind: FlagKind;
  readonly note: string;
}

/** Where an assignment stands. A void one was taken back before anything was scored; of a withdrawn one the ROI was. */
export type ReadingState = "pending" | "open" | "done" | "skipped" | "void" | "withdrawn";

/** Why a case is skipped or opened again. */
export interface ReasonIn {
  readonly reason: string;
}

/** A place on a slide, in pixels of its finest level. */
export interface RectangleOut {
  readonly left_px: number;
  readonly top_px: number;
  readonly width_px: number;
  readonly height_px: number;
}

/** What an account is, from the most powerful down. */
export type Role = "admin" | "operator" | "adjudicator" | "rater" | "viewer";

/** What may be done through the API. */
export type Scope = "read" | "submit" | "operate" | "admin";

/** A refusal that tells the score as it is. */
export interface ScoreConflictProblem {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly current: ScoreOut;
}

/** What an output's score is to be. Answers and comment that are absent stay as they are. */
export interface ScoreIn {
  /** 0 to 10; null takes the score back. */
  readonly value: number | null;
  /** Answers by number of the question: an option or words, or a list of options. */
  readonly answers?: Readonly<Record<string, string | readonly string[]>> | null;
  readonly comment?: string | null;
  readonly action?: "set" | "undo" | "redo";
  /** The same for all that was one step for the rater. */
  readonly group?: string | null;
  /** When the rater did it, by their own clock. */
  readonly client_at?: string | null;
  readonly view?: ViewIn | null;
}

/** A score as it is stored. */
export interface ScoreOut {
  readonly value: number | null;
  readonly answers: Readonly<Record<string, string | readonly string[]>>;
  readonly comment: string;
  /** What `If-Match` has to name to change it; 0 as long as it was never set. */
  readonly version: number;
}

/** The consensus on an output, why, and the account's password once more. */
export interface SignIn {
  readonly value: number;
  readonly rationale: string;
  readonly password?: string;
}

/** A width and a height in pixels of the slide. */
export interface SizeOut {
  readonly width_px: number;
  readonly height_px: number;
}

/** Where a slide stands: still to be looked into, ready for ROIs, of no use, or taken out of the study. */
export type SlideState = "waiting" | "ready" | "refused" | "withdrawn";

/** How far a study is: being set up, being scored, closed, and closed with the segmenters' names shown. */
export type StudyState = "draft" | "published" | "locked" | "unblinded";

/** Deep-zoom tiles of an image: `{url}/{level}/{x}_{y}.{format}`. */
export interface TileSource {
  readonly url: string;
  readonly format: "jpg";
  readonly tile_px: number;
  readonly overlap: number;
  readonly width_px: number;
  readonly height_px: number;
  readonly levels: number;
}

/** How long a case was looked at since the last report; a pause of more than a minute is idle. */
export interface TimingIn {
  readonly active_ms: number;
  readonly idle_ms: number;
  readonly first_tile_ms?: number | null;
  readonly loaded_ms?: number | null;
  readonly tile_errors?: number;
}

/** What the pathologist placed the ROI on. The article says benign; files say normal. */
export type TissueType = "tumor" | "normal";

/** Where the rater had zoomed to. */
export interface ViewIn {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}
