"""Promises about every deployed function."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from infra.app import SOURCE
from lookup.settings import Settings
from tests.infra.template import Template

SCHEDULE_SETTINGS = {field.name.upper() for field in fields(Settings) if field.name.startswith("schedule_")}
ON_REQUEST_ONLY = SCHEDULE_SETTINGS | {"TOKEN_URL"}
CONVERSION_DEAD_LETTERS = "CONVERSION_DEAD_LETTER_QUEUE_URL"
QUEUES_OF = {
    "RESULTS_QUEUE_URL": {"on_results", "on_schedule"},
    "RESULTS_DEAD_LETTER_QUEUE_URL": {"on_results"},
    "ANSWERS_QUEUE_URL": {"on_queue", "on_request"},
    "WEBHOOK_QUEUE_URL": {"on_webhook"},
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": {"on_webhook"},
}
MODULES = sorted(path.stem for path in Path(SOURCE).glob("on_*.py"))


def test_every_handler_is_deployed_and_nothing_else(template: Template) -> None:
    """A rule for readers: `functions/on_*.py` and the template's functions are the same set."""
    assert sorted(template.functions()) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_environment_names_are_the_settings(module: str, template: Template) -> None:
    """A function's environment holds exactly the settings that `lookup.settings` reads; but for defaults."""
    names = set(template.functions()[module]["Environment"]["Variables"])
    known = {field.name.upper() for field in fields(Settings)}
    assert names <= known
    assert known - names <= {field.name.upper() for field in fields(Settings) if field.default is not MISSING}


def test_only_on_request_keeps_schedules_and_tells_where_tokens_come_from(template: Template) -> None:
    """What a new schedule is made of, and the token endpoint, are settings of the one function that needs them."""
    own = {
        module: ON_REQUEST_ONLY & set(function["Environment"]["Variables"])
        for module, function in template.functions().items()
    }
    assert own == {module: ON_REQUEST_ONLY if module == "on_request" else set() for module in MODULES}
    laying_aside = [
        module
        for module, function in template.functions().items()
        if CONVERSION_DEAD_LETTERS in function["Environment"]["Variables"]
    ]
    assert laying_aside == ["on_conversion"]


def test_who_knows_the_key_of_tombstones(template: Template) -> None:
    """Whoever fetches users can tell who is erased; only who takes or serves erasures knows their queue."""
    variables = {module: set(function["Environment"]["Variables"]) for module, function in template.functions().items()}
    told = {module: {name for name in names if name.startswith("ERASURE_")} for module, names in variables.items()}
    key, queue, letters = "ERASURE_SECRET_ID", "ERASURE_QUEUE_URL", "ERASURE_DEAD_LETTER_QUEUE_URL"
    expected = {"on_queue": {key}, "on_request": {key, queue}, "on_erasure": {key, queue, letters}}
    assert told == {module: expected.get(module, set()) for module in MODULES}


def test_only_who_uses_a_queue_knows_it(template: Template) -> None:
    """The queues of results and of answers at once are told to the functions that send to them or serve them."""
    told = {
        name: {module for module, one in template.functions().items() if name in one["Environment"]["Variables"]}
        for name in QUEUES_OF
    }
    assert told == QUEUES_OF


def test_a_schedule_is_made_of_this_stack_s_parts(template: Template) -> None:
    """A partner's schedule gets the group, role, target and dead-letter queue of the stage's own schedules."""
    variables = template.functions()["on_request"]["Environment"]["Variables"]
    _, tick = template.named("AWS::Scheduler::Schedule", "FeederTick")
    assert variables["SCHEDULE_GROUP_NAME"] == tick["GroupName"]
    assert variables["SCHEDULE_ROLE_ARN"] == tick["Target"]["RoleArn"]
    assert template.attribute(variables["SCHEDULE_TARGET_ARN"]).startswith("OnScheduleFunction")
    assert variables["SCHEDULE_DEAD_LETTER_QUEUE_ARN"] == tick["Target"]["DeadLetterConfig"]["Arn"]


@pytest.mark.parametrize("module", MODULES)
def test_runtime(module: str, template: Template) -> None:
    """Every function runs python3.13 on arm64; traces cost more than most requests, so a stage must want them."""
    function = template.functions()[module]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert "TracingConfig" not in function
    assert function["Handler"] == f"{module}.handler"


@pytest.mark.parametrize("module", MODULES)
def test_logs_are_json_in_a_group_of_its_own_that_forgets(module: str, template: Template) -> None:
    """Every function writes JSON logs to a log group of its own with a retention."""
    logging = template.functions()[module]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    group = template.resources[template.attribute(logging["LogGroup"])]
    assert group["Properties"]["RetentionInDays"] in {1, 7, 90}


def test_each_function_has_its_own_role(template: Template) -> None:
    """No two functions share a role."""
    roles = [template.attribute(function["Role"]) for function in template.functions().values()]
    assert len(set(roles)) == len(MODULES)


def test_only_the_local_stage_asks_another_endpoint(template: Template) -> None:
    """A deployed stage calls MoEngage's own hosts; the local one calls its configured endpoint, else nothing."""
    endpoints = {
        function["Environment"]["Variables"].get("MOENGAGE_ENDPOINT_URL") for function in template.functions().values()
    }
    assert endpoints == ({"http://127.0.0.1:9"} if "local" in template.path.name else {None})


def test_no_secret_value_in_the_template(template: Template) -> None:
    """A secret's value is put after the deployment; only the key of tombstones is generated."""
    generated = set()
    for name, secret in template.of_type("AWS::SecretsManager::Secret").items():
        assert "SecretString" not in secret
        generated |= {name[:-8]} if "GenerateSecretString" in secret else set()
    assert generated == {"ErasuresKey"}


def test_workspaces_name_their_secrets_by_arn(template: Template) -> None:
    """The functions find a workspace's secret by the ARN attribute, never by `Ref`."""
    for function in template.functions().values():
        _, parts = function["Environment"]["Variables"]["WORKSPACES"]["Fn::Join"]
        references = [part for part in parts if isinstance(part, dict)]
        assert [reference["Fn::GetAtt"][1] for reference in references] == ["Id"]
