/** Pyramids of tiles: their addresses, and which of them are seen first. */

import type { Tiles } from "./api.ts";

/** The first level that one tile holds: below it there would be nothing but smaller copies. */
export function lowestLevel({ width_px, height_px, tile_px, levels }: Tiles): number {
  const halvings = Math.ceil(Math.log2(Math.max(1, Math.max(width_px, height_px) / tile_px)));
  return Math.max(0, levels - 1 - halvings);
}

export function tileUrl(source: Tiles, level: number, x: number, y: number): string {
  return `${source.url}/${level}/${x}_${y}.${source.format}`;
}

/** The tiles that a pane asks for when it shows the whole region in so many screen pixels. */
export function homeTiles(source: Tiles, widthPx: number): string[] {
  const lowest = lowestLevel(source);
  // OpenSeadragon goes down to half a screen pixel for a pixel of the image.
  const best = Math.min(source.levels - 1, Math.max(lowest, Math.floor(Math.log2(widthPx / 0.5))));
  const levels = [...new Set([lowest, best])];
  return levels.flatMap((level) => {
    const scale = 2 ** (level - source.levels + 1);
    const columns = Math.ceil(Math.ceil(source.width_px * scale) / source.tile_px);
    const rows = Math.ceil(Math.ceil(source.height_px * scale) / source.tile_px);
    return Array.from({ length: columns * rows }, (_, at) => tileUrl(source, level, at % columns, Math.floor(at / columns)));
  });
}
