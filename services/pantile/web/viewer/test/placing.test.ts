import assert from "node:assert/strict";
import { test } from "node:test";
import { centredAt, moved, resized, shareBeyond, sharedArea, sized, sizeInPx, sizeInUm, type Rectangle } from "../src/placing/geometry.ts";
import { areAllSame, byTissue, inOrder, percent, roiAt, warningsOf, type SlideRoi } from "../src/placing/slide.ts";
import { Steps } from "../src/placing/steps.ts";
import { Tissue } from "../src/placing/tissue.ts";

const RECTANGLE: Rectangle = { left_px: 1000, top_px: 2000, width_px: 400, height_px: 300 };
const SLIDE = { width_px: 8000, height_px: 4000 };

test("a rectangle is moved by whole pixels and keeps its size, beyond the slide as well", () => {
  assert.deepEqual(moved(RECTANGLE, { x: -1200.4, y: 0.6 }), { left_px: -200, top_px: 2001, width_px: 400, height_px: 300 });
});

test("a handle moves its own sides and leaves the others where they are", () => {
  assert.deepEqual(resized(RECTANGLE, "nw", { x: 100, y: -50 }), { left_px: 1100, top_px: 1950, width_px: 300, height_px: 350 });
  assert.deepEqual(resized(RECTANGLE, "se", { x: 100, y: -50 }), { left_px: 1000, top_px: 2000, width_px: 500, height_px: 250 });
  assert.deepEqual(resized(RECTANGLE, "e", { x: 10, y: 999 }), { left_px: 1000, top_px: 2000, width_px: 410, height_px: 300 });
});

test("no side passes its opposite", () => {
  assert.deepEqual(resized(RECTANGLE, "w", { x: 5000, y: 0 }), { left_px: 1336, top_px: 2000, width_px: 64, height_px: 300 });
  assert.deepEqual(resized(RECTANGLE, "n", { x: 0, y: 5000 }), { left_px: 1000, top_px: 2236, width_px: 400, height_px: 64 });
});

test("no side becomes longer than the service takes", () => {
  assert.equal(resized(RECTANGLE, "e", { x: 1e9, y: 0 }).width_px, 100_000);
});

test("another size keeps the middle", () => {
  assert.deepEqual(sized(RECTANGLE, { width_px: 200, height_px: 100 }), { left_px: 1100, top_px: 2100, width_px: 200, height_px: 100 });
  assert.deepEqual(centredAt({ x: 100, y: 100 }, { width_px: 200, height_px: 200 }), { left_px: 0, top_px: 0, width_px: 200, height_px: 200 });
});

test("what two rectangles share, and what is beyond the slide", () => {
  assert.equal(sharedArea(RECTANGLE, moved(RECTANGLE, { x: 300, y: 200 })), 100 * 100);
  assert.equal(sharedArea(RECTANGLE, moved(RECTANGLE, { x: 400, y: 0 })), 0);
  assert.equal(shareBeyond(RECTANGLE, SLIDE), 0);
  assert.equal(shareBeyond(moved(RECTANGLE, { x: -1100, y: 0 }), SLIDE), 0.25);
  assert.equal(shareBeyond(moved(RECTANGLE, { x: 9000, y: 0 }), SLIDE), 1);
});

test("sizes are told in pixels and in microns", () => {
  assert.equal(sizeInPx({ width_px: 12_500, height_px: 10_000 }), "12,500 × 10,000 px");
  assert.equal(sizeInUm({ width_px: 12_500, height_px: 10_000 }, 0.25), "3,125 × 2,500 µm");
});

test("the share of tissue counts parts of the mask's pixels, and none beyond the slide", () => {
  // 4 x 2 pixels of 2,000 px; the right half is tissue.
  const tissue = new Tissue([0, 0, 255, 255, 0, 0, 255, 255], 4, SLIDE);

  const share = (left_px: number, top_px: number, width_px: number, height_px: number): number => tissue.shareOf({ left_px, top_px, width_px, height_px });
  assert.equal(share(0, 0, 8000, 4000), 0.5);
  assert.equal(share(4000, 1000, 1000, 1000), 1);
  assert.equal(share(3500, 0, 1000, 4000), 0.5);
  assert.equal(share(3000, 500, 4000, 500), 0.75);
  assert.equal(share(6000, 0, 4000, 4000), 0.5);
  assert.equal(share(9000, 0, 1000, 1000), 0);
});

test("what is wrong with a rectangle is a sentence, and nothing is said of one that is well", () => {
  const tissue = new Tissue([0, 0, 255, 255, 0, 0, 255, 255], 4, SLIDE);
  const well = { left_px: 5000, top_px: 0, width_px: 1000, height_px: 1000 };

  assert.deepEqual(warningsOf("tumor", { tumor: well }, SLIDE, tissue), []);
  assert.deepEqual(warningsOf("normal", { tumor: well }, SLIDE, tissue), []);
  assert.deepEqual(warningsOf("tumor", { tumor: moved(well, { x: -1900, y: -100 }) }, SLIDE, tissue), ["10 % lies beyond the slide, and will be white.", "Only 9 % is tissue."]);
  assert.deepEqual(warningsOf("tumor", { tumor: moved(well, { x: 9000, y: 0 }) }, SLIDE, tissue), ["Lies beyond the slide."]);
  assert.deepEqual(warningsOf("normal", { tumor: well, normal: moved(well, { x: 500, y: 0 }) }, SLIDE, tissue), ["Overlaps Tumor by 50 %."]);
  assert.deepEqual(warningsOf("tumor", { tumor: moved(well, { x: -4000, y: 0 }) }, SLIDE, undefined), []);
});

test("a share that is little more than nothing is not called nothing", () => {
  assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map(percent), ["0 %", "under 1 %", "50 %", "over 99 %", "100 %"]);
});

test("rectangles are kept by tissue type and sent in one order", () => {
  const placed = [
    { tissue_type: "normal" as const, ...RECTANGLE },
    { tissue_type: "tumor" as const, ...moved(RECTANGLE, { x: 1, y: 0 }) },
  ];

  const rectangles = byTissue(placed);

  assert.deepEqual(inOrder(rectangles), placed.toReversed());
  assert.ok(areAllSame(rectangles, byTissue(placed.toReversed())));
  assert.ok(!areAllSame(rectangles, { tumor: RECTANGLE }));
});

test("the ROI of a place is the last that was cut out there", () => {
  const roi = (number: number, place: Rectangle): SlideRoi => ({ roi: `${number}`, tissue_type: "tumor", roi_number: number, place, state: "stored", error: null });
  const rois = [roi(1, RECTANGLE), roi(2, moved(RECTANGLE, { x: 1, y: 1 })), roi(3, RECTANGLE)];

  assert.equal(roiAt(rois, "tumor", RECTANGLE)?.roi_number, 3);
  assert.equal(roiAt(rois, "normal", RECTANGLE), undefined);
});

test("steps are undone and done again, and a new one ends those that were undone", () => {
  const steps = new Steps("a");
  steps.take("b");
  steps.take("c");

  assert.ok(steps.undo() && steps.undo());
  assert.equal(steps.undo(), false);
  assert.ok(steps.redo());
  assert.equal(steps.now, "b");
  steps.take("d");
  assert.equal(steps.canRedo, false);
  assert.ok(steps.undo());
  assert.equal(steps.now, "b");
});

test("steps of one name in a row are one, until there is a pause", () => {
  const steps = new Steps(0);
  for (const state of [1, 2, 3]) steps.take(state, "move");
  steps.pause();
  steps.take(4, "move");

  assert.ok(steps.undo());
  assert.equal(steps.now, 3);
  assert.ok(steps.undo());
  assert.equal(steps.now, 0);
});
