import { render } from "preact";

import "uplot/dist/uPlot.min.css";
import "../style/base.css";
import "../style/layout.css";
import "../style/data.css";
import { Console } from "./console.tsx";
import { Returning } from "./returning.tsx";
import { handOver, takeReturned } from "./session/handover.ts";
import { finishHere, prepare } from "./session/session.ts";
import { type Config, readConfig } from "./session/config.ts";

const place = document.getElementById("console") ?? document.body;

// A file that is dropped beside its place would be opened instead of this page, and all that was begun would be lost.
for (const name of ["dragover", "drop"] as const) addEventListener(name, (event) => event.preventDefault());

async function start(): Promise<void> {
  const returned = takeReturned();
  const config = await readConfig().catch((): Config | null => null);
  if (config !== null) await prepare(config);
  if (returned !== null && !(await finishHere(returned))) {
    handOver(returned);
    render(<Returning />, place);
    return;
  }
  render(<Console config={config} />, place);
}

void start();
