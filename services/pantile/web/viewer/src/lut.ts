/** Colours of class maps: from an index tile to what is painted, before it is scaled, so that no class is invented. */

import type { LegendOut as LegendEntry, LegendPalette as PaletteName } from "./service.ts";

export type { LegendEntry, PaletteName };

export type Rgb = readonly [red: number, green: number, blue: number];

export const PALETTES = ["accessible", "simplified", "detailed"] as const satisfies readonly PaletteName[];

/** What each of the 256 indices is painted as: four bytes (red, green, blue, alpha) an index. */
export type Lut = Uint8ClampedArray;

/** The channels of `#rrggbb`. */
export function parseColour(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16);
  if (!/^#[0-9a-f]{6}$/i.test(text)) throw new RangeError(`${text} is not a colour like #0000ff`);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The table for a palette; classes that are hidden, transparent or not in the legend are not painted. */
export function makeLut(legend: readonly LegendEntry[], palette: PaletteName, hidden: ReadonlySet<number>): Lut {
  const lut = new Uint8ClampedArray(256 * 4);
  for (const { index, colours } of legend) {
    const colour = colours[palette];
    if (colour !== undefined && !hidden.has(index)) lut.set([...parseColour(colour), 255], index * 4);
  }
  return lut;
}

/** The class indices of an index tile, given as RGBA whose red channel is the index. */
export function readIndices(pixels: Uint8ClampedArray): Uint8Array {
  const indices = new Uint8Array(pixels.length / 4);
  for (let at = 0; at < indices.length; at++) indices[at] = pixels[at * 4]!;
  return indices;
}

/** Paints each index in its class's colour, into RGBA pixels. */
export function fill(indices: Uint8Array, lut: Lut, pixels: Uint8ClampedArray): void {
  const [painted, colours] = words(pixels, lut);
  for (let at = 0; at < indices.length; at++) painted[at] = colours[indices[at]!]!;
}

/** Paints only the borders between classes: each class's own pixels that touch another class, `width` pixels a row. */
export function outline(indices: Uint8Array, lut: Lut, pixels: Uint8ClampedArray, width: number): void {
  const [painted, colours] = words(pixels, lut);
  for (let at = 0; at < indices.length; at++) {
    const own = indices[at]!;
    const column = at % width;
    const isBorder =
      (column > 0 && indices[at - 1] !== own) ||
      (column < width - 1 && indices[at + 1] !== own) ||
      (at >= width && indices[at - width] !== own) ||
      (at + width < indices.length && indices[at + width] !== own);
    painted[at] = isBorder ? colours[own]! : 0;
  }
}

/** Both as words of four bytes, so that a pixel is copied at once. */
function words(pixels: Uint8ClampedArray, lut: Lut): [Uint32Array, Uint32Array] {
  return [new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4), new Uint32Array(lut.buffer, lut.byteOffset, 256)];
}
