// Bundles the pages into a folder: `node build.mjs <folder>`. Same sources, same bytes; no network.
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2];
const unfinished = `${folder}.part`;
const NOTICE = "/*! Preact and its signals (c) Jason Miller and others, uPlot (c) Leon Sorokin: MIT License */";

rmSync(unfinished, { recursive: true, force: true });
await build({
  entryPoints: { console: "src/main.tsx", index: "index.html" },
  outdir: unfinished,
  loader: { ".html": "copy" },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  banner: { js: NOTICE },
  logLevel: "warning",
});
mkdirSync(folder, { recursive: true });
const names = readdirSync(unfinished);
for (const name of names) renameSync(join(unfinished, name), join(folder, name));
for (const old of readdirSync(folder).filter((one) => !names.includes(one))) {
  rmSync(join(folder, old), { recursive: true });
}
rmSync(unfinished, { recursive: true });
