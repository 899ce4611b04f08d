/** Calibration examples: regions that experts have scored, each with its outputs and what these were given. */

import type { Api, ExampleList, MapSource, Tiles } from "./api.ts";
import { ask } from "./dialogs.ts";
import { h } from "./dom.ts";
import { fill, makeLut, readIndices, type Lut } from "./lut.ts";
import { lowestLevel, tileUrl } from "./pyramid.ts";
import type { Reading } from "./reading.ts";
import type { PaletteName } from "./lut.ts";

const OPACITY = 0.45;

export async function showCalibration(api: Api, reading: Reading, palette: PaletteName): Promise<void> {
  const path = `/v1/studies/${encodeURIComponent(reading.case.study.name)}/calibration`;
  const found = await api.get<ExampleList>(path).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  await ask({
    title: "Calibration examples",
    isWide: true,
    content: typeof found === "string" ? [found] : contentOf(found, reading, palette),
    choices: [{ label: "Close", value: "", isMain: true }],
  });
}

function contentOf({ examples, legend }: ExampleList, reading: Reading, palette: PaletteName): (Node | string)[] {
  if (examples.length === 0) return ["This study has no calibration examples."];
  const lut = makeLut(legend, palette, new Set());
  const sections = examples.map((example) =>
    h(
      "section",
      { class: "example" },
      h("h3", {}, `${example.cohort} · ${example.tissue_type}`),
      h(
        "div",
        { class: "pictures" },
        figure(example.roi.tiles, null, lut, "H&E"),
        ...example.panes.filter((pane) => pane.tiles).map((pane) => figure(example.roi.tiles, pane.tiles, lut, pane.value === null ? "not scored" : reading.word(pane.value))),
      ),
    ),
  );
  return [h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Examples" }, ...sections)];
}

function figure(roi: Tiles | null, map: MapSource | null, lut: Lut, caption: string): HTMLElement {
  const canvas = h("canvas", { role: "img", "aria-label": caption });
  void paint(canvas, roi, map, lut);
  return h("figure", {}, canvas, h("figcaption", {}, caption));
}

/** Draws the one tile that holds the whole region, and the class map over it. */
async function paint(canvas: HTMLCanvasElement, roi: Tiles | null, map: MapSource | null, lut: Lut): Promise<void> {
  const context = canvas.getContext("2d");
  const image = roi && (await load(roi));
  if (!context || !roi || !image) return;
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  context.drawImage(image, 0, 0);
  const indices = map && (await load(map));
  if (!map || !indices) return;
  const layer = h("canvas", { width: indices.naturalWidth, height: indices.naturalHeight });
  const own = layer.getContext("2d", { willReadFrequently: true });
  if (!own) return;
  own.drawImage(indices, 0, 0);
  const pixels = own.getImageData(0, 0, layer.width, layer.height);
  fill(readIndices(pixels.data), lut, pixels.data);
  own.putImageData(pixels, 0, 0);
  context.globalAlpha = OPACITY;
  const scale = canvas.width / roi.width_px;
  context.drawImage(layer, 0, 0, map.extent_width_px * scale, map.extent_height_px * scale);
}

async function load(source: Tiles): Promise<HTMLImageElement | null> {
  const image = new Image();
  image.src = tileUrl(source, lowestLevel(source), 0, 0);
  return image.decode().then(
    () => image,
    () => null,
  );
}
