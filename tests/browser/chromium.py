"""The browser of the tests: the one that CHROMIUM names, that of the npm package, or the machine's own."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

UNPACKED = Path(__file__).parents[2] / "node_modules" / ".chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# It may run as root, without a GPU, and contacts the page's own addresses only.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Chromium:
    """The browser's path, and the environment that it needs."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def chromium() -> Chromium:
    """Find a browser. Raises `FileNotFoundError` saying how to get one."""
    if named := os.environ.get("CHROMIUM"):
        return Chromium(Path(named))
    if platform.system() == "Linux" and platform.machine() == "x86_64" and (UNPACKED / "chromium").exists():
        libraries, fonts = str(UNPACKED / "al2023" / "lib"), str(UNPACKED / "fonts")
        return Chromium(UNPACKED / "chromium", {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_PATH": fonts})
    for found in map(shutil.which, NAMES):
        if found is not None:
            return Chromium(Path(found))
    raise FileNotFoundError("no browser: `make test` unpacks one on Linux, x86-64; else let CHROMIUM name yours")


@contextmanager
def browser() -> Iterator[Browser]:
    """Run it without a window, in a profile of its own."""
    found = chromium()
    with sync_playwright() as playwright:
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        started = playwright.chromium.launch(executable_path=found.path, args=FLAGS, env=environment)
        try:
            yield started
        finally:
            started.close()
