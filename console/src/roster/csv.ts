// One row of CSV, as strictly as Python's `csv.reader(…, strict=True)`.

/** Return the cells of a row; null when it is none. */
export function cellsOf(text: string, delimiter: string): string[] | null {
  const row = text.replace(/[\r\n]+$/, "");
  const cells: string[] = [];
  let at = 0;
  if (row === "") return [];
  for (;;) {
    const cell = row[at] === '"' ? quoted(row, at) : bare(row, at, delimiter);
    if (cell === null) return null;
    cells.push(cell.text);
    at = cell.end;
    if (at >= row.length) return cells;
    if (row[at] !== delimiter) return null;
    at += 1;
    if (at === row.length) return [...cells, ""];
  }
}

interface Cell {
  text: string;
  end: number;
}

function quoted(row: string, start: number): Cell | null {
  const found = /"((?:[^"]|"")*)"(?!")/y;
  found.lastIndex = start;
  const cell = found.exec(row);
  return cell === null ? null : { text: (cell[1] ?? "").replaceAll('""', '"'), end: found.lastIndex };
}

function bare(row: string, start: number, delimiter: string): Cell | null {
  const next = row.indexOf(delimiter, start);
  const end = next < 0 ? row.length : next;
  const text = row.slice(start, end);
  return /[\r\n]/.test(text) ? null : { text, end };
}
