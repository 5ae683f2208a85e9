"""Output on the terminal: steps, bars and tables; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

PLAIN_WIDTH = 160
PLAIN_SECONDS = 5.0  # between two plain lines of one bar
Advance = Callable[[int, int | None], None]  # done, of how many; None: not known yet


class Display:
    """Writes to standard output, errors to standard error. One per run."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self._console = Console(width=width, highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print the heading of a part of the job."""
        self._console.print(f"\n{text}", style="bold", markup=False)

    def line(self, text: str) -> None:
        """Print an indented line."""
        self._console.print(f"  {text}", markup=False)

    def raw(self, text: str) -> None:
        """Print a line that is to be copied, unwrapped and unindented."""
        self._console.print(text, markup=False, style="cyan")

    def error(self, text: str) -> None:
        """Print what went wrong and what to do."""
        self._errors.print(text, markup=False, style="red")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table; the first column is text, the others are right-aligned."""
        table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=True)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    @contextmanager
    def bar(self, title: str) -> Iterator[Advance]:
        """Show progress, with an estimate of the time left."""
        if not self._console.is_terminal:
            yield self._plain_bar(title)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TextColumn("about"), TimeRemainingColumn(), console=self._console) as progress:
            task = progress.add_task(title, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    def _plain_bar(self, title: str) -> Advance:
        started = last = time.monotonic()

        def advance(done: int, total: int | None) -> None:
            nonlocal last
            now = time.monotonic()
            if done == total or now - last >= PLAIN_SECONDS:
                last = now
                self.line(f"{title}: {done}{_progress(done, total, now - started)}")

        return advance


def _progress(done: int, total: int | None, seconds: float) -> str:
    if total is None:
        return ""
    left = f", about {seconds * (total - done) / done:.0f} s left" if 0 < done < total else ""
    return f" of {total}{left}"
