// Reads openings of rosters, one JSON list [base64, whether it is all] a line; writes what the page makes of each.
import { createInterface } from "node:readline";

import { previewOf } from "../../console/src/roster/preview.ts";
import { Refused } from "../../console/src/roster/rules.ts";

function read(opening: string, isWhole: boolean): unknown {
  try {
    return previewOf(Buffer.from(opening, "base64").toString("latin1"), isWhole);
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [opening, isWhole] = JSON.parse(line) as [string, boolean];
  process.stdout.write(`${JSON.stringify(read(opening, isWhole))}\n`);
}
