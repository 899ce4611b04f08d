/** The gallery's picture from close by: where the page has one to be scrolled, it becomes one to be zoomed into. */

import OpenSeadragon from "openseadragon";

import type { Tiles } from "../api.ts";
import { h, toolButton } from "../dom.ts";
import { makeOsd, pyramid } from "../osd.ts";
import { magnification, scaleBar } from "../scalebar.ts";

/** What the page says of its picture. */
interface Look {
  readonly image: Tiles;
  /** One picture of the whole class map, and how far it reaches in pixels of the image. */
  readonly map: { readonly url: string; readonly extent_width_px: number; readonly extent_height_px: number };
  readonly mpp: number;
}

const BAR_PX = 160;
const STEP = 1.5;
/** The part of the view that an arrow moves by. */
const MOVE = 0.15;

const KEYS: Readonly<Record<string, (osd: OpenSeadragon.Viewer) => void>> = {
  ArrowLeft: (osd) => moveBy(osd, -MOVE, 0),
  ArrowRight: (osd) => moveBy(osd, MOVE, 0),
  ArrowUp: (osd) => moveBy(osd, 0, -MOVE),
  ArrowDown: (osd) => moveBy(osd, 0, MOVE),
  "+": (osd) => zoomBy(osd, STEP),
  "-": (osd) => zoomBy(osd, 1 / STEP),
  "0": (osd) => void osd.viewport.goHome(),
};

function moveBy({ viewport }: OpenSeadragon.Viewer, x: number, y: number): void {
  const { width, height } = viewport.getBounds();
  viewport.panBy(new OpenSeadragon.Point(x * width, y * height)).applyConstraints();
}

function zoomBy({ viewport }: OpenSeadragon.Viewer, factor: number): void {
  viewport.zoomBy(factor).applyConstraints();
}

/** How the class map is to be seen now, 0 to 1. */
function chosenOpacity(): number {
  return Number(document.querySelector<HTMLInputElement>('input[name="opacity"]:checked')?.value ?? 45) / 100;
}

/** Puts the picture to be zoomed into in the place of the one to be scrolled. */
function open(place: HTMLElement, look: Look): OpenSeadragon.Viewer {
  const canvas = h("div", { class: "osd" });
  const [told, bar] = [h("span"), h("span", { class: "zoom-length" })];
  place.className = "zoom";
  place.setAttribute("aria-label", "Picture; arrows move it, plus and minus zoom, zero shows all of it");
  place.replaceChildren(canvas, h("p", { class: "zoom-bar" }, told, bar));
  const isAnimated = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const osd = makeOsd(canvas, { isAnimated, autoResize: true, tileRetryMax: 3 });
  const showScale = (): void => {
    const micronsPerPx = (look.mpp * look.image.width_px) / (osd.viewport.getZoom(true) * osd.viewport.getContainerSize().x);
    const { label, widthPx } = scaleBar(micronsPerPx, BAR_PX);
    bar.style.width = `${widthPx}px`;
    told.textContent = `${label} · ${magnification(micronsPerPx)}`;
  };
  osd.addHandler("viewport-change", showScale);
  osd.addHandler("resize", showScale);
  osd.addHandler("open", () => {
    lay(osd, look);
    showScale();
  });
  const reach = look.map.extent_width_px / look.image.width_px;
  osd.open([
    { tileSource: pyramid(look.image), width: 1 },
    { tileSource: { type: "image", url: look.map.url }, width: reach, opacity: chosenOpacity() },
  ] as never);
  return osd;
}

/** Cuts off where the class map reaches beyond the image, and shows it as strongly as is chosen. */
function lay(osd: OpenSeadragon.Viewer, { image, map }: Look): void {
  const item = osd.world.getItemAt(1);
  const { x, y } = item.source.dimensions;
  item.setClip(new OpenSeadragon.Rect(0, 0, (x * image.width_px) / map.extent_width_px, (y * image.height_px) / map.extent_height_px));
  for (const choice of document.querySelectorAll('input[name="opacity"]')) choice.addEventListener("change", () => item.setOpacity(chosenOpacity()));
}

function begin(): void {
  const place = document.querySelector<HTMLElement>("#picture[data-look]");
  if (!place) return;
  const osd = open(place, JSON.parse(place.dataset.look ?? "") as Look);
  place.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.altKey || event.metaKey ? undefined : KEYS[event.key];
    if (!act || !osd.isOpen()) return;
    event.preventDefault();
    act(osd);
  });
  const button = (label: string, title: string, key: string): HTMLButtonElement => toolButton(label, title, () => osd.isOpen() && KEYS[key]!(osd), { class: "second" });
  place.after(h("p", { class: "actions", role: "group", "aria-label": "Zoom" }, button("+", "Closer", "+"), button("−", "Farther", "-"), button("All of it", "All of it", "0")));
  // What tests look at, and people who look under the bonnet.
  Object.assign(window, { pantile: { osd } });
}

begin();
