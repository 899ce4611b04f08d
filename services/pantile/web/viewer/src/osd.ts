/** OpenSeadragon as our pages use it: keys, clicks and sizes are theirs, tiles come by our addresses. */

import OpenSeadragon from "openseadragon";

import type { Tiles } from "./api.ts";
import { lowestLevel, tileUrl } from "./pyramid.ts";

/**
 * OpenSeadragon writes one inline style sheet, which our policy forbids, where it does not find a `style` that is marked
 * so; one that is no element of HTML is found as well, and styles nothing.
 */
function forestallStyleSheet(): void {
  if (document.querySelector("style[data-openseadragon-mobile-css]")) return;
  const standIn = document.createElementNS("urn:pantile", "style");
  standIn.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(standIn);
}

export function makeOsd(element: HTMLElement, { isAnimated, ...more }: { readonly isAnimated: boolean } & OpenSeadragon.Options): OpenSeadragon.Viewer {
  forestallStyleSheet();
  const osd = new OpenSeadragon.Viewer({
    element,
    drawer: "canvas",
    autoResize: false,
    keyboardNavEnabled: false,
    showNavigationControl: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
    gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: false },
    gestureSettingsPen: { clickToZoom: false, dblClickToZoom: false },
    tabIndex: -1,
    animationTime: isAnimated ? 0.4 : 0.001,
    springStiffness: 8,
    visibilityRatio: 0.5,
    minZoomImageRatio: 0.8,
    maxZoomPixelRatio: 4,
    imageLoaderLimit: 6,
    maxImageCacheCount: 120,
    tileRetryDelay: 1000,
    ...more,
  } as OpenSeadragon.Options);
  osd.canvas.removeAttribute("tabindex");
  return osd;
}

export function pyramid(source: Tiles): OpenSeadragon.TileSource {
  return new OpenSeadragon.TileSource({
    width: source.width_px,
    height: source.height_px,
    tileSize: source.tile_px,
    tileOverlap: source.overlap,
    minLevel: lowestLevel(source),
    maxLevel: source.levels - 1,
    getTileUrl: (level: number, x: number, y: number) => tileUrl(source, level, x, y),
  } as OpenSeadragon.TileSourceOptions);
}
