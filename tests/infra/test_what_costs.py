"""Settings that cost money are off, or small, until a stage wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from infra.app import SOURCE, synthesise
from infra.stages import stage_named
from tests.infra.template import Template

TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}


@pytest.fixture(scope="module")
def traced(templates: Mapping[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Template:  # the same process
    stage = replace(stage_named("dev", {}), tracing=True, queue_memory_mb=512)
    return Template.read(synthesise(stage, code=SOURCE, outdir=tmp_path_factory.mktemp("traced")))


def test_a_stage_may_trace_its_functions(traced: Template) -> None:
    """With tracing every function is traced, and its role may write traces."""
    assert {function["TracingConfig"]["Mode"] for function in traced.functions().values()} == {"Active"}
    for role_id in traced.of_type("AWS::IAM::Role"):
        actions = {action for one in traced.statements(role_id) for action in one["Action"]}
        assert (actions >= TRACES) == (not role_id.startswith("OnScheduleSchedulerRole"))


def test_the_memory_of_the_queues_door_is_a_setting(traced: Template, template: Template) -> None:
    """It mostly waits for quota, and waiting is paid by the memory: 256 MB unless a stage wants more."""
    assert template.functions()["on_queue"]["MemorySize"] == 256
    assert traced.functions()["on_queue"]["MemorySize"] == 512
