/** Rectangles on a slide, in whole pixels of its finest level: moved, resized, and how they lie. */

export interface Rectangle {
  readonly left_px: number;
  readonly top_px: number;
  readonly width_px: number;
  readonly height_px: number;
}

export interface Size {
  readonly width_px: number;
  readonly height_px: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Which sides a handle moves, by the winds: "n", "ne", "e", … */
export const HANDLES = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;
export type Handle = (typeof HANDLES)[number];

/** The service takes no longer and no farther ones. */
export const LONGEST_PX = 100_000;
export const FARTHEST_PX = 10_000_000;

/** Sides shorter than that can no longer be taken hold of. */
export const SHORTEST_PX = 64;

export function centredAt({ x, y }: Point, size: Size): Rectangle {
  return whole({ left_px: x - size.width_px / 2, top_px: y - size.height_px / 2, ...size });
}

export function centreOf({ left_px, top_px, width_px, height_px }: Rectangle): Point {
  return { x: left_px + width_px / 2, y: top_px + height_px / 2 };
}

export function moved(rectangle: Rectangle, by: Point): Rectangle {
  return whole({ ...rectangle, left_px: rectangle.left_px + by.x, top_px: rectangle.top_px + by.y });
}

/** With the sides of a handle moved; the others stay, and none passes its opposite. */
export function resized(rectangle: Rectangle, handle: Handle, by: Point): Rectangle {
  const right = rectangle.left_px + rectangle.width_px;
  const bottom = rectangle.top_px + rectangle.height_px;
  const width = bounded(rectangle.width_px + (handle.includes("e") ? by.x : handle.includes("w") ? -by.x : 0));
  const height = bounded(rectangle.height_px + (handle.includes("s") ? by.y : handle.includes("n") ? -by.y : 0));
  return whole({
    left_px: handle.includes("w") ? right - width : rectangle.left_px,
    top_px: handle.includes("n") ? bottom - height : rectangle.top_px,
    width_px: width,
    height_px: height,
  });
}

/** As large as `size`, around the same middle. */
export function sized(rectangle: Rectangle, size: Size): Rectangle {
  return centredAt(centreOf(rectangle), { width_px: bounded(size.width_px), height_px: bounded(size.height_px) });
}

function bounded(length: number): number {
  return Math.min(LONGEST_PX, Math.max(SHORTEST_PX, Math.round(length)));
}

function whole({ left_px, top_px, width_px, height_px }: Rectangle): Rectangle {
  return { left_px: within(left_px), top_px: within(top_px), width_px: bounded(width_px), height_px: bounded(height_px) };
}

function within(offset: number): number {
  return Math.min(FARTHEST_PX, Math.max(-FARTHEST_PX, Math.round(offset))) + 0; // no -0
}

export function areaOf({ width_px, height_px }: Size): number {
  return width_px * height_px;
}

/** The area that two rectangles share, in pixels. */
export function sharedArea(one: Rectangle, other: Rectangle): number {
  const width = Math.min(one.left_px + one.width_px, other.left_px + other.width_px) - Math.max(one.left_px, other.left_px);
  const height = Math.min(one.top_px + one.height_px, other.top_px + other.height_px) - Math.max(one.top_px, other.top_px);
  return Math.max(0, width) * Math.max(0, height);
}

/** The share of a rectangle that is beyond the slide, 0 to 1. */
export function shareBeyond(rectangle: Rectangle, slide: Size): number {
  return 1 - sharedArea(rectangle, { left_px: 0, top_px: 0, ...slide }) / areaOf(rectangle);
}

export function areSame(one: Rectangle, other: Rectangle): boolean {
  return one.left_px === other.left_px && one.top_px === other.top_px && one.width_px === other.width_px && one.height_px === other.height_px;
}

/** "12,500 × 10,000 px", and how much that is. */
export function sizeInPx({ width_px, height_px }: Size): string {
  return `${width_px.toLocaleString("en")} × ${height_px.toLocaleString("en")} px`;
}

export function sizeInUm({ width_px, height_px }: Size, mpp: number): string {
  const um = (length: number): string => Math.round(length * mpp).toLocaleString("en");
  return `${um(width_px)} × ${um(height_px)} µm`;
}
