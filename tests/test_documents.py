"""The documents fit the repository: links, anchors, paths and commands that they name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.markdown import anchors, broken_links, missing_paths

ROOT = Path(__file__).parents[1]
GENERATED = {"node_modules", "build", "cdk.out"}
PAGES = sorted(
    page
    for folder in (ROOT, *(one for one in ROOT.iterdir() if one.is_dir() and one.name not in GENERATED))
    if folder == ROOT or not folder.name.startswith(".")
    for page in folder.glob("*.md" if folder == ROOT else "**/*.md")
    if GENERATED.isdisjoint(page.relative_to(ROOT).parts)
)
OF_EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@OF_EACH
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the repository, and its anchor a heading of that file."""
    assert list(broken_links(page, ROOT)) == []


@OF_EACH
def test_every_path_in_a_code_span_exists(page: Path) -> None:
    """What a page names as a path from the root of the repository is a file or a folder there."""
    assert list(missing_paths(page, ROOT)) == []


def test_the_readme_shows_the_folders_that_there_are() -> None:
    """Each folder of the README's tree exists, and it shows every package of `lookup` and every folder of `infra`."""
    tree = (ROOT / "README.md").read_text().partition("## Where things are\n\n```\n")[2].partition("```")[0]
    shown: list[Path] = []
    for indent, name in re.findall(r"^( {0,4})([\w.]+)/ ", tree, re.MULTILINE):
        shown = shown or [ROOT]
        above = next((one for one in reversed(shown) if len(one.relative_to(ROOT).parts) == len(indent) // 2), ROOT)
        shown.append(above / name)
    assert [one for one in shown if not one.is_dir()] == []
    packages = {
        init.parent for folder in ("functions/lookup", "infra") for init in (ROOT / folder).glob("*/__init__.py")
    }
    assert packages - set(shown) == set()


def test_every_page_that_code_names_exists() -> None:
    """A docstring, message or command that points to a page of `docs/` points to one that is there."""
    modules = [module for top in ("functions", "infra", "tests") for module in (ROOT / top).glob("**/*.py")]
    named = {
        page
        for source in [*modules, ROOT / "Makefile"]
        if source != Path(__file__)
        for page in re.findall(r"\bdocs/[\w/-]+\.(?:md|json|png)\b", source.read_text())
    }
    assert "docs/runbook.md" in named
    assert [page for page in named if not (ROOT / page).exists()] == []


def test_make_help_lists_every_command() -> None:
    """Each phony target of the Makefile has its line in `make help`, and each `make …` of a page is such a target."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert sorted(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) == sorted(phony)
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z][a-z-]*)", page.read_text())}
    assert {"run", "test", "check"} <= named <= set(phony)


def test_every_log_line_of_a_page_is_logged() -> None:
    """What a page names as a log line, in words or as a filter of a log query, is a message in the functions' code."""
    code = "".join(module.read_text() for module in (ROOT / "functions").glob("**/*.py"))
    named = {
        message
        for page in PAGES
        for message in re.findall(r'\$\.message = "([^"]+)"|log\s+lines?\s+`([a-z][a-z ]+)`', page.read_text())
    }
    assert ("call failed", "") in named
    assert [one for one in named if f'"{"".join(one)}"' not in code] == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("other.md", None),
        ("other.md#two-words", None),
        ("other.md#two-words-1", None),
        ("#here--there", None),
        ("other.md#Two-Words", "no such heading"),
        ("other.md#two-words-2", "no such heading"),
        ("#nowhere", "no such heading"),
        ("nobody.md", "no such file"),
        ("nobody.md#two-words", "no such file"),
        ("../outside.md", "no such file"),
        ("picture.png#two-words", "no such heading"),
        ("https://example.com/nobody.md#nowhere", None),
    ],
)
def test_a_broken_link_is_found(tmp_path: Path, link: str, problem: str | None) -> None:
    """Files that are missing or outside, and headings that are missing, are reported with the page."""
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "outside.md").write_text("# Two words")
    (root / "picture.png").write_bytes(b"")
    (root / "other.md").write_text("# Two words\n\n```\n# Two words\n```\n\n## `Two` [words](x.md)\n")
    (root / "page.md").write_text(f"# Here, & there\n\nSee [it\nthere]({link}), not `[code](gone.md)`.\n")
    expected = [] if problem is None else [f"page.md: {link}: {problem}"]
    assert list(broken_links(root / "page.md", root)) == expected


def test_a_missing_path_is_found(tmp_path: Path) -> None:
    """Of the paths in code spans those are named that have no file, also where a pattern fits none."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "stack.py").write_text("")
    (tmp_path / "page.md").write_text(
        "`infra/stack.py` `infra/` `infra/st*.py` `infra/gone.py` `infra/x*.py` `stack.py`"
    )
    assert list(missing_paths(tmp_path / "page.md", tmp_path)) == [
        f"page.md: {name}" for name in ("infra/gone.py", "infra/x*.py", "stack.py")
    ]


@given(st.lists(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs"), exclude_characters="`[]#"))))
def test_anchors_have_letters_digits_and_hyphens_only(headings: list[str]) -> None:
    """Whatever headings a page has, its anchors are in lower case and hold nothing that a link would have to escape."""
    page = "\n\n".join(f"## {heading}" for heading in headings)
    assert all(re.fullmatch(r"[a-z0-9_-]*", anchor) for anchor in anchors(page))
