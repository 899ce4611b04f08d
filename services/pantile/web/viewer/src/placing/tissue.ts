/** Where a slide's tissue is: how much of a rectangle it covers, by sums over a small mask of the whole slide. */

import type { Rectangle, Size } from "./geometry.ts";

export class Tissue {
  readonly width: number;
  readonly height: number;
  /** Tissue above and left of each corner of the mask's pixels: (height + 1) rows of width + 1. */
  readonly #sums: Float64Array;
  readonly #slide: Size;

  /** `mask` is above 0 where there is tissue, row by row; it shows the whole slide. */
  constructor(mask: ArrayLike<number>, width: number, slide: Size) {
    this.width = width;
    this.height = mask.length / width;
    this.#slide = slide;
    const row = width + 1;
    this.#sums = new Float64Array(row * (this.height + 1));
    for (let y = 0; y < this.height; y++)
      for (let x = 0, sum = 0; x < width; x++) {
        sum += mask[y * width + x]! > 0 ? 1 : 0;
        this.#sums[(y + 1) * row + x + 1] = this.#sums[y * row + x + 1]! + sum;
      }
  }

  /** The share of a rectangle that is tissue, 0 to 1; beyond the slide there is none. */
  shareOf({ left_px, top_px, width_px, height_px }: Rectangle): number {
    const across = this.width / this.#slide.width_px;
    const down = this.height / this.#slide.height_px;
    const [left, right] = [left_px * across, (left_px + width_px) * across];
    const [top, bottom] = [top_px * down, (top_px + height_px) * down];
    const tissue = this.#sum(right, bottom) - this.#sum(left, bottom) - this.#sum(right, top) + this.#sum(left, top);
    return tissue / ((right - left) * (bottom - top));
  }

  /** The tissue above and left of a point, parts of pixels counted in part. */
  #sum(x: number, y: number): number {
    const [atX, atY] = [clamp(x, this.width), clamp(y, this.height)];
    const [column, row] = [Math.min(Math.floor(atX), this.width - 1), Math.min(Math.floor(atY), this.height - 1)];
    const [right, below] = [atX - column, atY - row];
    const sum = (r: number, c: number): number => this.#sums[r * (this.width + 1) + c]!;
    const above = sum(row, column) * (1 - right) + sum(row, column + 1) * right;
    const under = sum(row + 1, column) * (1 - right) + sum(row + 1, column + 1) * right;
    return above * (1 - below) + under * below;
  }
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
