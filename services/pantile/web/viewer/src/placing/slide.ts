/** A slide by the words of this page: its rectangles, what is wrong with them, and its ROIs. */

import type { PlacedRectangleOut, PlacedRoi, TissueType } from "../service.ts";
import { areSame, shareBeyond, sharedArea, type Rectangle, type Size } from "./geometry.ts";
import type { Tissue } from "./tissue.ts";

export type { CutOutAnswer, PlacedRectangleOut as Placed, PlacedRoi as SlideRoi, PlacingIn, PlacingOut as Placing, PlacingPage as Slide, TissueType } from "../service.ts";

export const TISSUE_TYPES: readonly TissueType[] = ["tumor", "normal"];

export const TITLES: Readonly<Record<TissueType, string>> = { tumor: "Tumor", normal: "Normal" };

/** At most one rectangle for each tissue type. */
export type Rectangles = Readonly<Partial<Record<TissueType, Rectangle>>>;

export function byTissue(placed: readonly PlacedRectangleOut[]): Rectangles {
  return Object.fromEntries(placed.map(({ tissue_type, left_px, top_px, width_px, height_px }) => [tissue_type, { left_px, top_px, width_px, height_px }]));
}

export function inOrder(rectangles: Rectangles): PlacedRectangleOut[] {
  return TISSUE_TYPES.flatMap((tissue_type) => {
    const rectangle = rectangles[tissue_type];
    return rectangle ? [{ tissue_type, ...rectangle }] : [];
  });
}

export function areAllSame(one: Rectangles, other: Rectangles): boolean {
  return TISSUE_TYPES.every((tissue) => {
    const [first, second] = [one[tissue], other[tissue]];
    return first === undefined || second === undefined ? first === second : areSame(first, second);
  });
}

/** As ROIs are flagged when they come in (docs/slides.md): below that the network sees mostly glass. */
const LITTLE_TISSUE = 0.2;

/** What a person should know before this rectangle is cut out; nothing of it forbids anything. */
export function warningsOf(tissue: TissueType, rectangles: Rectangles, slide: Size, mask: Tissue | undefined): string[] {
  const own = rectangles[tissue];
  if (!own) return [];
  const beyond = shareBeyond(own, slide);
  const share = mask?.shareOf(own);
  return [
    beyond >= 1 ? "Lies beyond the slide." : beyond > 0 ? `${percent(beyond)} lies beyond the slide, and will be white.` : "",
    beyond < 1 && share !== undefined && share < LITTLE_TISSUE ? `Only ${percent(share)} is tissue.` : "",
    ...TISSUE_TYPES.filter((each) => each !== tissue).map((each) => {
      const other = rectangles[each];
      const shared = other ? sharedArea(own, other) : 0;
      return shared > 0 ? `Overlaps ${TITLES[each]} by ${percent(shared / (own.width_px * own.height_px))}.` : "";
    }),
  ].filter(Boolean);
}

/** Whole percents, but "under 1 %" for what is not nothing and "over 99 %" for what is not all. */
export function percent(share: number): string {
  const whole = Math.round(share * 100);
  if (share > 0 && whole === 0) return "under 1 %";
  return share < 1 && whole === 100 ? "over 99 %" : `${whole} %`;
}

/** Whether an imaging worker has still to cut it out. */
export function isUnderWay({ state }: PlacedRoi): boolean {
  return state === "arriving" || state === "awaiting";
}

/** The ROI that was cut out of just this place, if any. */
export function roiAt(rois: readonly PlacedRoi[], tissue: TissueType, rectangle: Rectangle): PlacedRoi | undefined {
  return rois.findLast((roi) => roi.tissue_type === tissue && areSame(roi.place, rectangle));
}
