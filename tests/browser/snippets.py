"""The snippets of a page, as a reader would run them: those of one language one after the other, in one session."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.waiting import GIVE_UP

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
COMMANDS: Mapping[str, list[str]] = {"sh": ["sh", "-eu", "-c"], "python": [sys.executable, "-c"]}


def snippets(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [body for named, body in BLOCK.findall(page.read_text(encoding="utf-8")) if named == language]


def languages(page: Path) -> set[str]:
    """Return the languages of all fenced blocks."""
    return {named for named, _ in BLOCK.findall(page.read_text(encoding="utf-8"))}


def run(page: Path, language: str, variables: Mapping[str, str], folder: Path) -> str:
    """Run all blocks of a language with just these variables; return what they wrote. Fails as they fail."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(variables)
    done = subprocess.run(  # noqa: S603 - the page is ours
        [*COMMANDS[language], "\n".join(snippets(page, language))],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=GIVE_UP,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout
