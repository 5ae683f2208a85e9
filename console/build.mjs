// Bundles the pages into a folder: `node build.mjs <folder>`. Same sources, same bytes; no network.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2];
const unfinished = `${folder}.part`;
const NOTICE = "/*! Preact and its signals (c) Jason Miller and others, uPlot (c) Leon Sorokin: MIT License */";

// uPlot formats numbers in the browser's language as it is loaded. Some browsers name one that is none (`en-US@posix`),
// and then the whole page would fail; the other numbers are written in English, too.
const LANGUAGE = "domEnv ? nav.language : 'en-US'";
const inEnglish = {
  name: "numbers in English",
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!source.includes(LANGUAGE)) throw new Error(`uPlot does not read its language as ${LANGUAGE} any more`);
      return { contents: source.replace(LANGUAGE, "'en'"), loader: "js" };
    });
  },
};

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
  plugins: [inEnglish],
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
