"""Markdown as GitHub shows it, as far as links go: headings with their anchors, links, paths in code spans."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)
LINK = re.compile(r"\[[^][]*]\(\s*<?([^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)", re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
OF_THE_REPOSITORY = re.compile(r"(?:functions|infra|tests|docs|events|requirements)/[\w./*-]*|[\w./*-]+\.py")


def without_code(text: str) -> str:
    """Return the text without fenced blocks and code spans: what they hold is no link."""
    return CODE.sub(" ", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, by the rule of github-slugger.

    Letters are lowered, punctuation goes, each space becomes a hyphen; a heading that occurs again gets a number.
    """
    seen: Counter[str] = Counter()
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        shown = re.sub(r"!?\[([^][]*)]\([^)]*\)", r"\1", heading).lower().strip()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_links(page: Path, root: Path) -> Iterator[str]:
    """Return the links of a page that lead nowhere: no such file in the repository, or no such heading in it."""
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(re.sub(r"!\[", "[", without_code(text))):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        is_inside = target.is_relative_to(root.resolve())
        if not (is_inside and target.exists()):
            yield f"{page.relative_to(root)}: {link}: no such file"
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target.read_text(encoding="utf-8"))):
            yield f"{page.relative_to(root)}: {link}: no such heading"


def missing_paths(page: Path, root: Path) -> Iterator[str]:
    """Return the paths in code spans of which there is no file or folder. Modules are named from the root, too."""
    for _, span in CODE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if OF_THE_REPOSITORY.fullmatch(span) and not any(root.glob(span.rstrip("/"))):
            yield f"{page.relative_to(root)}: {span}"
