// Lists of the API page by page: what comes behind a mark is asked for when somebody wants it.
import { useState } from "preact/hooks";

export interface Pages {
  /** The number of the page, from 1. */
  at: number;
  /** The part of the list's address that names the page. */
  after: string;
  newer: () => void;
  older: (mark: string) => void;
}

/** Page through a list; it begins anew when `of` is another list. */
export function usePages(of = ""): Pages {
  const [marks, setMarks] = useState<{ of: string; before: string[] }>({ of, before: [] });
  const before = marks.of === of ? marks.before : [];
  const mark = before.at(-1);
  return {
    at: before.length + 1,
    after: mark === undefined ? "" : `&after=${encodeURIComponent(mark)}`,
    newer: () => setMarks({ of, before: before.slice(0, -1) }),
    older: (next) => setMarks({ of, before: [...before, next] }),
  };
}

const NEWEST_FIRST: [back: string, on: string] = ["Newer", "Older"];

interface Props {
  pages: Pages;
  next: string | null;
  words?: [back: string, on: string];
}

/** Two buttons, where there is more than one page. */
export function Pager({ pages, next, words = NEWEST_FIRST }: Props) {
  if (pages.at === 1 && next === null) return null;
  const [back, on] = words;
  return (
    <div class="row">
      <button type="button" disabled={pages.at === 1} onClick={pages.newer}>
        {back}
      </button>
      <button type="button" disabled={next === null} onClick={() => next !== null && pages.older(next)}>
        {on}
      </button>
    </div>
  );
}
