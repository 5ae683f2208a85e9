"""The pages as they are built: small, of the own origin only, the same bytes each time."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from infra.app import ROOT
from infra.commands import bundle
from infra.console.__main__ import CONSOLE, STATIC, node

MOST_BYTES = 80_000  # gzip, all files together
MOST_LINES = 300
SOURCES = [*CONSOLE.glob("src/**/*.ts*"), *CONSOLE.glob("style/*.css"), CONSOLE / "index.html", CONSOLE / "build.mjs"]


def test_all_pages_together_are_small() -> None:
    """Script, styles and page take less than 80 KB packed."""
    assert {path.name for path in STATIC.iterdir()} == {"index.html", "console.js", "console.css"}
    assert 0 < sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in STATIC.iterdir()) < MOST_BYTES


def test_a_second_build_gives_the_same_bytes(tmp_path: Path) -> None:
    """Bundled again elsewhere, every file is the same, so that the zip's SHA-256 is."""
    subprocess.run([node(), "build.mjs", tmp_path / "again"], cwd=CONSOLE, check=True)  # noqa: S603 - our own command
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert again == {path.name: path.read_bytes() for path in STATIC.iterdir()}


def test_the_page_loads_its_own_files_only() -> None:
    """No address of another origin, no inline script and no inline style is in the page, and no other in its styles."""
    page, styles = (STATIC / "index.html").read_text(), (STATIC / "console.css").read_text()
    assert re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page) == ["console/console.css", "console/console.js"]
    assert re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page) is None
    assert re.search(r"@import|url\((?!\"?data:)", styles) is None


def test_no_source_is_long() -> None:
    """A source of the pages has 300 lines at most."""
    assert {path.name: _lines(path) for path in SOURCES if _lines(path) > MOST_LINES} == {}


def test_every_library_is_locked_by_its_hash() -> None:
    """The lock names exact versions and hashes, and no registry."""
    direct = json.loads((CONSOLE / "package.json").read_text())
    locked = json.loads((CONSOLE / "package-lock.json").read_text())["packages"]
    packages = {path: one for path, one in locked.items() if path}
    assert {path for path, one in packages.items() if not one.get("integrity", "").startswith("sha512-")} == set()
    assert {path for path, one in packages.items() if "resolved" in one} == set()
    asked = direct["dependencies"] | direct["devDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked


def test_a_zip_without_pages_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`infra.commands.bundle` refuses a source without the pages, and names the command that makes them."""
    monkeypatch.setattr(bundle, "PAGES", tmp_path / "index.html")
    assert bundle.main() == 1
    assert capsys.readouterr().err == "The pages of /console are not bundled: make console\n"


def test_the_zip_takes_the_pages() -> None:
    """They lie in the functions' source, which is zipped as it is, and git ignores them."""
    assert bundle.PAGES == STATIC / "index.html"
    assert bundle.PAGES.relative_to(ROOT / "functions").parts[0] == "lookup"
    assert f"{STATIC.relative_to(ROOT).as_posix()}/" in (ROOT / ".gitignore").read_text().splitlines()


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
