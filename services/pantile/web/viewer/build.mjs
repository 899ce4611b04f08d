// Bundles the scoring page, the page of a slide and the gallery's picture into ../static/viewer: assets named by their content, and manifest.json, which says how.
import { build } from "esbuild";
import { readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(here, "..", "static", "viewer");

const built = await build({
  absWorkingDir: here,
  entryPoints: { viewer: "src/main.ts", style: "src/viewer.css", placing: "src/placing/placing.ts", "placing-style": "src/placing/placing.css", look: "src/gallery/look.ts" },
  outdir: folder,
  entryNames: "[name]-[hash]",
  bundle: true,
  // What they all need, OpenSeadragon first of all, is one file.
  splitting: true,
  minify: true,
  sourcemap: "linked",
  legalComments: "linked",
  format: "esm",
  target: ["chrome120", "firefox121", "safari17"],
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [path, output] of Object.entries(built.metafile.outputs)) {
  if (output.entryPoint) manifest[basename(output.entryPoint)] = basename(path);
}
const wanted = new Set(Object.keys(built.metafile.outputs).map((path) => basename(path)));
for (const file of await readdir(folder)) if (!wanted.has(file)) await rm(join(folder, file));
await writeFile(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
