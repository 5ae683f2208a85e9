"""The runbook's commands fit the stack."""

from __future__ import annotations

import re
from pathlib import Path

from tests.infra.template import Template

RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()
OPTIONAL = {"EgressAddress"}  # of stages with an address of their own


def test_the_runbook_reads_outputs_that_there_are(template: Template) -> None:
    """Every output of the stack that a command of the runbook reads is one."""
    read = set(re.findall(r"(?:\$\(out|`out|logs) ([A-Z]\w+)", RUNBOOK))
    assert {"SecretDefaultId", "OnQueueFunctionName", "IntakeDeadLetterQueueUrl"} <= read
    assert read - OPTIONAL <= set(template.outputs)
