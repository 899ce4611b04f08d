import assert from "node:assert/strict";
import { test } from "node:test";
import { magnification, scaleBar } from "../src/scalebar.ts";

test("the bar is the longest round length that fits", () => {
  assert.deepEqual(scaleBar(0.25, 150), { label: "20 µm", widthPx: 80 });
  assert.deepEqual(scaleBar(8, 150), { label: "1 mm", widthPx: 125 });
  assert.deepEqual(scaleBar(0.01, 100), { label: "1 µm", widthPx: 100 });
});

test("at one image pixel a screen pixel the bar has its length in microns divided by mpp", () => {
  const { label, widthPx } = scaleBar(0.253, 160);

  assert.equal(label, "20 µm");
  assert.ok(Math.abs(widthPx - 20 / 0.253) < 1e-9);
});

test("a quarter of a micron a pixel is called 40×", () => {
  assert.equal(magnification(0.25), "40×");
  assert.equal(magnification(4), "2.5×");
});
