import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, makeLut, outline, parseColour, readIndices, type LegendEntry, type Lut } from "../src/lut.ts";

const LEGEND: LegendEntry[] = [
  { index: 0, label: "Background", letter: "B", group: "background", colours: {} },
  { index: 1, label: "Tumor", letter: "T", group: "tumor", colours: same("#0000ff") },
  { index: 2, label: "Tumor stroma", letter: "S", group: "tumor_stroma", colours: same("#ffaa00") },
];

function same(colour: string): LegendEntry["colours"] {
  return { accessible: colour, simplified: colour, detailed: colour };
}

function tile(...indices: number[]): Uint8ClampedArray {
  return new Uint8ClampedArray(indices.flatMap((index) => [index, index, index, 255]));
}

function filled(pixels: Uint8ClampedArray, lut: Lut): Uint8ClampedArray {
  fill(readIndices(pixels), lut, pixels);
  return pixels;
}

function pixel(pixels: Uint8ClampedArray, at: number): number[] {
  return [...pixels.slice(at * 4, at * 4 + 4)];
}

test("each index is painted in its class's colour", () => {
  const pixels = filled(tile(1, 2, 0, 1), makeLut(LEGEND, "accessible", new Set()));

  assert.deepEqual(pixel(pixels, 0), [0, 0, 255, 255]);
  assert.deepEqual(pixel(pixels, 1), [255, 170, 0, 255]);
  assert.deepEqual(pixel(pixels, 2), [0, 0, 0, 0]);
});

test("a hidden class is not painted, the others are as before", () => {
  const pixels = filled(tile(1, 2), makeLut(LEGEND, "accessible", new Set([1])));

  assert.deepEqual(pixel(pixels, 0), [0, 0, 0, 0]);
  assert.deepEqual(pixel(pixels, 1), [255, 170, 0, 255]);
});

test("an index that the legend lacks is not painted", () => {
  const pixels = filled(tile(77), makeLut(LEGEND, "accessible", new Set()));

  assert.deepEqual(pixel(pixels, 0), [0, 0, 0, 0]);
});

test("an outline is where a class touches another, not at the tile's edge", () => {
  const pixels = tile(...[1, 1, 1, 1, 2], ...[1, 1, 1, 1, 2], ...[1, 1, 1, 1, 2]);

  outline(readIndices(pixels), makeLut(LEGEND, "accessible", new Set()), pixels, 5);

  assert.deepEqual(pixel(pixels, 0), [0, 0, 0, 0]);
  assert.deepEqual(pixel(pixels, 7), [0, 0, 0, 0]);
  assert.deepEqual(pixel(pixels, 8), [0, 0, 255, 255]);
  assert.deepEqual(pixel(pixels, 9), [255, 170, 0, 255]);
});

test("colours are of the form #rrggbb", () => {
  assert.deepEqual(parseColour("#FFA500"), [255, 165, 0]);
  assert.throws(() => parseColour("orange"), RangeError);
});
