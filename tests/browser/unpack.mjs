// Unpacks the Chromium of the npm package beside it: `node tests/browser/unpack.mjs <folder>`, relative to the project.
//
// The package is made for AWS Lambda. Told that this is one, it brings the libraries of Amazon Linux that Chromium
// needs, so that nothing has to be installed on the machine.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2]);
mkdirSync(folder, { recursive: true });
process.env.TMPDIR = folder;
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs24.x";
const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();
// Its own list of font folders names those of Lambda only.
const fonts = join(folder, "fonts");
writeFileSync(
  join(fonts, "fonts.conf"),
  '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n' +
    `<fontconfig><dir>${fonts}/fonts</dir><cachedir>${fonts}/cache</cachedir></fontconfig>\n`,
);
