"""A stage's settings fit into a function's environment, or the synthesis fails with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.app import SOURCE, synthesise
from infra.constructs.functions.environment import LIMIT, TOKEN_LENGTH, estimated_bytes
from infra.stage_settings.partners import Partner
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import Workspace
from lookup.errors import Misconfigured
from lookup.quota import Quota
from tests.infra.template import Template


def _stage(number: int, workspace: Workspace) -> Stage:
    workspaces = {"default": workspace, **{f"region-{one}": workspace for one in range(1, number)}}
    return Stage(name="test", workspaces=workspaces, partners={"crm": Partner()}, retain=False)


def test_ten_workspaces_fit(tmp_path: Path) -> None:
    """Ten workspaces as the defaults have them are synthesised."""
    template = Template.read(synthesise(_stage(10, Workspace()), code=SOURCE, outdir=tmp_path, checked=False))
    assert len(template.of_type("AWS::SecretsManager::Secret")) == 10 + 1  # the key of tombstones


@pytest.mark.parametrize(
    ("number", "workspace"),
    [
        (20, Workspace()),
        (8, Workspace(quota=Quota(limit=600, window=50.0, guard=1.2, headroom=30, pace_window=4.0, pace_factor=1.3))),
        (1, Workspace(fields=tuple(f"attribute_{one}" for one in range(200)))),
    ],
    ids=["many", "quotas", "fields"],
)
def test_too_much_for_a_function_ends_the_synthesis(number: int, workspace: Workspace, tmp_path: Path) -> None:
    """More than 4096 bytes, by number or by what differs from the defaults, are refused with an estimate."""
    with pytest.raises(
        Misconfigured, match=f"environment of about [0-9]{{4}} bytes; a function holds {LIMIT}"
    ) as caught:
        synthesise(_stage(number, workspace), code=SOURCE, outdir=tmp_path, checked=False)
    assert caught.value.setting == "workspaces"


def test_what_is_not_known_yet_counts_generously() -> None:
    """A token of the CDK counts as long as a secret's ARN may be, and quotes as JSON writes them."""
    arn = (
        "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:CredentialsSecretDefault1A2B3C4D-AbCdEfGhIjKl-AbCdEf"
    )
    assert len(arn) <= TOKEN_LENGTH
    assert estimated_bytes({"A": "${Token[TOKEN.12]}"}) == len('{"A":""}') + TOKEN_LENGTH
    assert estimated_bytes({"A": '"ä"'}) == len('{"A":"\\"..\\""}')
