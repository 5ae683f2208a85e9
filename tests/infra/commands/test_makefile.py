"""The commands of the Makefile."""

from __future__ import annotations

import re

from infra.app import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_command_is_phony() -> None:
    """A file or folder with a command's name never keeps the command from running."""
    commands = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert "deploy" in commands
    assert set(phony.split()) == commands


def test_a_deploy_asks_for_approval_by_default() -> None:
    """By default the CDK CLI asks before permissions widen; APPROVAL is passed to it."""
    assert re.search(r"^APPROVAL \?= broadening$", MAKEFILE, re.MULTILINE)
    assert re.search(r"\$\(CDK\) deploy .*--require-approval \$\(APPROVAL\)", MAKEFILE)
