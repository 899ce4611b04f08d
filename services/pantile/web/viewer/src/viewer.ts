/** One OpenSeadragon viewer as a pane needs it: the H&E, a class map over it, and a place that others can share. */

import OpenSeadragon from "openseadragon";

import type { MapSource, Tiles } from "./api.ts";
import { fill, outline, readIndices, type Lut } from "./lut.ts";
import { makeOsd, pyramid } from "./osd.ts";
import { tileUrl } from "./pyramid.ts";
import type { Member, Place } from "./sync.ts";

/** How class maps are painted, in all panes alike. */
export interface Painting {
  lut: Lut;
  isOutline: boolean;
  /** 0 to 1. */
  opacity: number;
}

export interface Sight {
  readonly roi: Tiles | null;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly map: MapSource | null;
}

export interface ViewerEvents {
  /** A person or a command moved this viewer. */
  moved(): void;
  /** The place on the screen has changed, by whomever. */
  changed(): void;
  rested(): void;
  tileLoaded(): void;
  missingChanged(count: number): void;
  loaded(): void;
}

const RETRIES = 3;
const KEPT_TILES = 48;

export class Viewer implements Member {
  readonly osd: OpenSeadragon.Viewer;
  isHidden = false;
  readonly #events: ViewerEvents;
  readonly #painting: Painting;
  readonly #missing = new Map<string, { readonly tile: OpenSeadragon.Tile; readonly item: OpenSeadragon.TiledImage; readonly mark: HTMLElement }>();
  /** Class indices of the map's newest tiles, for the name under the cursor. */
  readonly #indices = new Map<string, { readonly indices: Uint8Array; readonly widthPx: number }>();
  readonly #painted = new WeakSet<OpenSeadragon.Tile>();
  #sight: Sight = { roi: null, widthPx: 1, heightPx: 1, map: null };
  #roi: OpenSeadragon.TiledImage | undefined;
  #map: OpenSeadragon.TiledImage | undefined;
  #opening = 0;

  constructor(element: HTMLElement, painting: Painting, events: ViewerEvents, isAnimated: boolean) {
    this.#events = events;
    this.#painting = painting;
    this.osd = makeOsd(element, { isAnimated, tileRetryMax: RETRIES });
    this.#listen();
  }

  #listen(): void {
    const { osd } = this;
    osd.addHandler("zoom", () => this.#events.moved());
    osd.addHandler("pan", () => this.#events.moved());
    osd.addHandler("viewport-change", () => this.#events.changed());
    osd.addHandler("animation-finish", () => this.#events.rested());
    osd.addHandler("tile-invalidated", (event) => this.#paint(event));
    osd.addHandler("tile-loaded", ({ tile, tiledImage }) => {
      this.#found(tile.getUrl());
      // A tile that came at a second try is not painted by OpenSeadragon's own doing: it would show bare indices.
      if (isMapTile(tile) && !this.#painted.has(tile)) setTimeout(() => void tiledImage.requestInvalidate(true));
      this.#events.tileLoaded();
    });
    osd.addHandler("tile-load-failed", (event) => {
      if ((event as unknown as { tries: number }).tries > RETRIES) this.#miss(event.tile, event.tiledImage);
    });
  }

  /** Shows another region in the same viewer, as a whole once it is open. */
  async open(sight: Sight): Promise<void> {
    const opening = ++this.#opening;
    this.#sight = sight;
    this.#indices.clear();
    this.#clearMissing();
    this.#roi = undefined;
    this.#map = undefined;
    this.osd.close();
    if (!sight.roi && !sight.map) return;
    const items: object[] = [];
    if (sight.roi) items.push({ tileSource: pyramid(sight.roi), width: 1 });
    if (sight.map) items.push({ tileSource: pyramid(sight.map), width: sight.map.extent_width_px / sight.widthPx, opacity: this.#painting.opacity });
    await new Promise<void>((resolve) => {
      this.osd.addOnceHandler("open", () => resolve());
      this.osd.addOnceHandler("open-failed", () => resolve());
      this.osd.open(items as never);
    });
    if (opening !== this.#opening) return;
    this.resize();
    const world = this.osd.world;
    this.#roi = sight.roi ? world.getItemAt(0) : undefined;
    this.#map = sight.map ? world.getItemAt(sight.roi ? 1 : 0) : undefined;
    if (sight.map && this.#map) this.#clip(sight, sight.map, this.#map);
    const item = this.#map ?? this.#roi;
    item?.addOnceHandler("fully-loaded-change", () => this.#events.loaded());
  }

  /** A class map covers a fraction more than the image: what is beyond is not shown. */
  #clip({ widthPx, heightPx }: Sight, map: MapSource, item: OpenSeadragon.TiledImage): void {
    const right = (map.width_px * widthPx) / map.extent_width_px;
    const bottom = (map.height_px * heightPx) / map.extent_height_px;
    item.setClip(new OpenSeadragon.Rect(0, 0, right, bottom));
  }

  place(): Place {
    const { x, y } = this.osd.viewport.getCenter(true);
    return { zoom: this.osd.viewport.getZoom(true), x, y };
  }

  move({ zoom, x, y }: Place): void {
    if (!this.isOpen) return;
    const { viewport } = this.osd;
    const is = this.place();
    if (is.zoom === zoom && is.x === x && is.y === y && viewport.getZoom() === zoom) return;
    viewport.zoomTo(zoom, undefined, true);
    viewport.panTo(new OpenSeadragon.Point(x, y), true);
  }

  isSeen(): boolean {
    return !this.isHidden;
  }

  get isOpen(): boolean {
    return this.osd.isOpen() && Boolean(this.osd.viewport);
  }

  /** How far the whole region is from here, in the viewer's own zoom. */
  homePlace(): Place {
    const { widthPx, heightPx } = this.#sight;
    const size = this.osd.viewport.getContainerSize();
    const height = heightPx / widthPx;
    return { zoom: Math.min(1, size.y / size.x / height), x: 0.5, y: height / 2 };
  }

  goHome(isImmediate: boolean): void {
    if (!this.isOpen) return;
    const { zoom, x, y } = this.homePlace();
    this.osd.viewport.panTo(new OpenSeadragon.Point(x, y), isImmediate);
    this.osd.viewport.zoomTo(zoom, undefined, isImmediate);
  }

  zoomBy(factor: number): void {
    if (this.isOpen) this.osd.viewport.zoomBy(factor).applyConstraints();
  }

  /** So far that one pixel of the image is one of the screen. */
  zoomOneToOne(): void {
    if (this.isOpen) this.osd.viewport.zoomTo(this.#sight.widthPx / this.osd.viewport.getContainerSize().x);
  }

  /** By parts of what is seen. */
  panBy(x: number, y: number): void {
    if (!this.isOpen) return;
    const { width, height } = this.osd.viewport.getBounds();
    this.osd.viewport.panBy(new OpenSeadragon.Point(x * width, y * height)).applyConstraints();
  }

  /** Screen pixels that a pixel of the image takes. */
  imageZoom(): number {
    return (this.osd.viewport.getZoom(true) * this.osd.viewport.getContainerSize().x) / this.#sight.widthPx;
  }

  /** Takes the size of its element; the place is kept by whoever keeps it for all. */
  resize(): void {
    const { clientWidth, clientHeight } = this.osd.container;
    if (!this.isOpen || clientWidth === 0 || clientHeight === 0) return;
    const place = this.place();
    this.osd.viewport.resize(new OpenSeadragon.Point(clientWidth, clientHeight), false);
    this.move(place);
    this.osd.forceRedraw();
  }

  setOpacity(): void {
    this.#map?.setOpacity(this.#painting.opacity);
  }

  /** Paints all tiles of the class map anew, those that are kept and not seen as well. */
  async repaint(): Promise<void> {
    await this.#map?.requestInvalidate(true);
  }

  /** The class under a point of the screen, as index; undefined off the map or before its tile is there. */
  classAt(point: OpenSeadragon.Point): number | undefined {
    const { map, widthPx, heightPx } = this.#sight;
    if (!map || !this.isOpen) return undefined;
    const at = this.osd.viewport.pointFromPixel(point, true);
    if (at.x < 0 || at.y < 0 || at.x >= 1 || at.y >= heightPx / widthPx) return undefined;
    const x = (at.x * widthPx * map.width_px) / map.extent_width_px;
    const y = (at.y * widthPx * map.height_px) / map.extent_height_px;
    for (let level = map.levels - 1; level >= 0; level--) {
      const scale = 2 ** (level - map.levels + 1);
      const [column, row] = [Math.floor(x * scale), Math.floor(y * scale)];
      const tile = this.#indices.get(tileUrl(map, level, Math.floor(column / map.tile_px), Math.floor(row / map.tile_px)));
      if (tile) return tile.indices[(row % map.tile_px) * tile.widthPx + (column % map.tile_px)];
    }
    return undefined;
  }

  /** Where a point of the region is on this viewer's screen. */
  screenPoint(at: OpenSeadragon.Point): OpenSeadragon.Point {
    return this.osd.viewport.pixelFromPoint(at, true);
  }

  async #paint(event: OpenSeadragon.TileInvalidatedEvent): Promise<void> {
    if (!isMapTile(event.tile)) return;
    const context = (await event.getData("context2d")) as CanvasRenderingContext2D | undefined;
    if (!context || (await event.outdated())) return;
    const { width, height } = context.canvas;
    const image = context.getImageData(0, 0, width, height);
    const indices = readIndices(image.data);
    this.#keep(event.tile.getUrl(), indices, width);
    if (this.#painting.isOutline) outline(indices, this.#painting.lut, image.data, width);
    else fill(indices, this.#painting.lut, image.data);
    context.putImageData(image, 0, 0);
    await event.setData(context, "context2d");
    this.#painted.add(event.tile);
  }

  #keep(url: string, indices: Uint8Array, widthPx: number): void {
    this.#indices.delete(url);
    this.#indices.set(url, { indices, widthPx });
    if (this.#indices.size > KEPT_TILES) this.#indices.delete(this.#indices.keys().next().value!);
  }

  // Tiles that do not come.

  get missing(): number {
    return this.#missing.size;
  }

  /** Asks for the missing tiles again. */
  retry(): void {
    const items = new Set<OpenSeadragon.TiledImage>();
    for (const { tile, item } of this.#missing.values()) {
      tile.exists = true;
      items.add(item);
    }
    this.#clearMissing();
    for (const item of items) item.setClip(item.getClip()); // what a tiled image takes as a reason to look again
    this.osd.forceRedraw();
  }

  #miss(tile: OpenSeadragon.Tile, item: OpenSeadragon.TiledImage): void {
    const url = tile.getUrl();
    if (this.#missing.has(url)) return;
    const mark = document.createElement("div");
    mark.className = "missing-tile";
    const width = item.getContentSize().x;
    const bounds = item.imageToViewportRectangle(
      tile.bounds.x * width,
      tile.bounds.y * width,
      tile.bounds.width * width,
      tile.bounds.height * width,
    );
    this.osd.addOverlay({ element: mark, location: bounds });
    this.#missing.set(url, { tile, item, mark });
    this.#events.missingChanged(this.#missing.size);
  }

  #found(url: string): void {
    const missing = this.#missing.get(url);
    if (!missing) return;
    this.osd.removeOverlay(missing.mark);
    this.#missing.delete(url);
    this.#events.missingChanged(this.#missing.size);
  }

  #clearMissing(): void {
    for (const { mark } of this.#missing.values()) this.osd.removeOverlay(mark);
    if (this.#missing.size === 0) return;
    this.#missing.clear();
    this.#events.missingChanged(0);
  }
}

/** Class maps are PNG, images of tissue are not; a tile may come before its tiled image is known here. */
function isMapTile(tile: OpenSeadragon.Tile): boolean {
  return tile.getUrl().endsWith(".png");
}
