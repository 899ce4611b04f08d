/** The slide on the screen: overview, tiles and tissue one over the other, and on top the rectangles. */

import OpenSeadragon from "openseadragon";

import { h } from "../dom.ts";
import { makeOsd, pyramid } from "../osd.ts";
import { magnification, scaleBar } from "../scalebar.ts";
import type { Point, Rectangle, Size } from "./geometry.ts";
import { RectangleView, type RectangleEvents } from "./rectangle.ts";
import { TISSUE_TYPES, type Rectangles, type Slide, type TissueType } from "./slide.ts";

const BAR_PX = 160;
const RETRIES = 3;
/** How dark it becomes where there is no tissue. */
const MASK_OPACITY = 0.6;
/** The share of the screen that a rectangle fills when one goes to it. */
const FILLED = 0.8;

/** A place that is only shown, with what it is. */
export interface Mark {
  readonly place: Rectangle;
  readonly label: string;
  readonly kind: "roi" | "theirs";
}

export class Stage {
  readonly element: HTMLElement;
  readonly osd: OpenSeadragon.Viewer;
  readonly #canvas = h("div", { class: "osd" });
  readonly #bar = h("div", { class: "scalebar" });
  readonly #notice = h("div", { class: "notice", role: "group", "aria-label": "About the picture", hidden: true });
  readonly #views: Readonly<Record<TissueType, RectangleView>>;
  #marks: HTMLElement[] = [];
  #size: Size = { width_px: 1, height_px: 1 };
  #mpp = 1;
  #tiles: string | undefined;
  #mask: OpenSeadragon.TiledImage | undefined;

  constructor(events: Omit<RectangleEvents, "imageZoom" | "isLargerThanView">, isAnimated: boolean) {
    this.element = h(
      "div",
      { class: "stage", tabindex: 0, role: "group", "aria-label": "Slide; arrows move it, full stop and comma zoom" },
      this.#canvas,
      this.#bar,
      this.#notice,
    );
    this.osd = makeOsd(this.#canvas, { isAnimated, autoResize: true, tileRetryMax: RETRIES, minZoomImageRatio: 0.5, maxZoomPixelRatio: 8 });
    this.osd.addHandler("viewport-change", () => this.#showScale());
    this.osd.addHandler("resize", () => this.#showScale());
    const own: RectangleEvents = { ...events, imageZoom: () => this.imageZoom(), isLargerThanView: (rectangle) => this.#isLargerThanView(rectangle) };
    this.#views = { tumor: new RectangleView("tumor", own), normal: new RectangleView("normal", own) };
  }

  /** Opens a slide by its overview, and lays its tiles over it once they are made. */
  async open(slide: Slide): Promise<void> {
    this.#size = { width_px: slide.width_px ?? 1, height_px: slide.height_px ?? 1 };
    this.#mpp = slide.mpp ?? 1;
    await new Promise<void>((resolve) => {
      this.osd.addOnceHandler("open", () => resolve());
      this.osd.addOnceHandler("open-failed", () => resolve());
      this.osd.open([{ tileSource: { type: "image", url: slide.overview_url }, width: 1 }] as never);
    });
    for (const tissue of TISSUE_TYPES) this.#lay(this.#views[tissue].element, { left_px: 0, top_px: 0, width_px: 1, height_px: 1 });
    this.goHome(true);
    if (slide.tissue_url) void this.#addMask(slide.tissue_url);
    this.showTiles(slide);
  }

  async #addMask(url: string): Promise<void> {
    const options = { tileSource: { type: "image", url }, width: 1, opacity: 0, compositeOperation: "multiply" };
    this.#mask = await this.#add(options);
    this.setMask(this.isMaskOn);
  }

  isMaskOn = false;

  setMask(isOn: boolean): void {
    this.isMaskOn = isOn;
    this.#mask?.setOpacity(isOn ? MASK_OPACITY : 0);
  }

  /** Lays a slide's tiles over its overview, if they are made and do not lie there yet. */
  showTiles({ tiles, downsample }: Slide): void {
    if (!tiles || this.#tiles === tiles.url) return;
    this.#tiles = tiles.url;
    // The last column of the pyramid's pixels may reach a little beyond the slide.
    const width = (tiles.width_px * (downsample ?? 1)) / this.#size.width_px;
    void this.#add({ tileSource: pyramid(tiles), width, index: 1 });
  }

  #add(options: object): Promise<OpenSeadragon.TiledImage> {
    return new Promise((resolve, reject) => {
      const success = (event: unknown): void => resolve((event as { item: OpenSeadragon.TiledImage }).item);
      this.osd.addTiledImage({ ...options, success, error: reject } as never);
    });
  }

  get hasTiles(): boolean {
    return this.#tiles !== undefined;
  }

  /** Says something about the picture, with at most one thing to do about it. */
  tell(sentence: string | null, label?: string, act?: () => void): void {
    this.#notice.hidden = sentence === null;
    if (sentence === null) return this.#notice.replaceChildren();
    this.#notice.replaceChildren(h("span", {}, sentence), ...(label && act ? [h("button", { type: "button", class: "button", onclick: act }, label)] : []));
  }

  /** Draws the rectangles and the places that are only shown. */
  show(rectangles: Rectangles, { selected, isGuess, mayChange, marks }: { selected: TissueType | null; isGuess: boolean; mayChange: boolean; marks: readonly Mark[] }): void {
    for (const tissue of TISSUE_TYPES) {
      const rectangle = rectangles[tissue];
      this.#views[tissue].show(rectangle, { isSelected: tissue === selected, isGuess, mayChange });
      if (rectangle) this.#move(this.#views[tissue].element, rectangle);
    }
    for (const mark of this.#marks) this.osd.removeOverlay(mark);
    this.#marks = marks.map(({ place, label, kind }) => {
      const mark = h("div", { class: `mark is-${kind}`, "aria-hidden": "true" }, h("span", {}, label));
      this.#lay(mark, place);
      return mark;
    });
  }

  focusRectangle(tissue: TissueType): void {
    this.#views[tissue].element.focus({ preventScroll: true });
  }

  #rect({ left_px, top_px, width_px, height_px }: Rectangle): OpenSeadragon.Rect {
    const width = this.#size.width_px;
    return new OpenSeadragon.Rect(left_px / width, top_px / width, width_px / width, height_px / width);
  }

  #lay(element: HTMLElement, place: Rectangle): void {
    this.osd.addOverlay({ element, location: this.#rect(place) });
  }

  #move(element: HTMLElement, place: Rectangle): void {
    this.osd.updateOverlay(element, this.#rect(place));
  }

  // Where one looks

  /** Screen pixels that a pixel of the slide takes. */
  imageZoom(): number {
    return (this.osd.viewport.getZoom(true) * this.osd.viewport.getContainerSize().x) / this.#size.width_px;
  }

  /** The middle of what is seen, in pixels of the slide. */
  centre(): Point {
    const { x, y } = this.osd.viewport.getCenter();
    return { x: x * this.#size.width_px, y: y * this.#size.width_px };
  }

  goHome(isImmediate = false): void {
    this.osd.viewport.fitBounds(this.#rect({ left_px: 0, top_px: 0, ...this.#size }), isImmediate);
  }

  goTo(rectangle: Rectangle): void {
    const { x, y, width, height } = this.#rect(rectangle);
    const [wide, high] = [width / FILLED, height / FILLED];
    this.osd.viewport.fitBounds(new OpenSeadragon.Rect(x - (wide - width) / 2, y - (high - height) / 2, wide, high));
  }

  zoomBy(factor: number): void {
    this.osd.viewport.zoomBy(factor).applyConstraints();
  }

  /** By parts of what is seen. */
  panBy(x: number, y: number): void {
    const { width, height } = this.osd.viewport.getBounds();
    this.osd.viewport.panBy(new OpenSeadragon.Point(x * width, y * height)).applyConstraints();
  }

  /** Whether one would have nowhere left to take hold of the slide. */
  #isLargerThanView(rectangle: Rectangle): boolean {
    const seen = this.osd.viewport.getBounds(true);
    const { x, y, width, height } = this.#rect(rectangle);
    return x < seen.x && y < seen.y && x + width > seen.x + seen.width && y + height > seen.y + seen.height;
  }

  #showScale(): void {
    if (!this.osd.isOpen()) return;
    const micronsPerPx = this.#mpp / this.imageZoom();
    const { label, widthPx } = scaleBar(micronsPerPx, BAR_PX);
    this.#bar.style.width = `${widthPx}px`;
    this.#bar.textContent = label;
    this.#bar.dataset.magnification = magnification(micronsPerPx);
  }
}
