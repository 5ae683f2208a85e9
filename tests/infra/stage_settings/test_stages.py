"""Stage values are checked when they are made; the error names the setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.stage_settings.partners import Issuer, Partner
from infra.stage_settings.stage import NAME_LENGTH, SERVICE, Stage
from infra.stage_settings.workspaces import Schedule, Workspace
from infra.stages import stage_named
from lookup.errors import Misconfigured
from lookup.partners import OPERATOR, RESERVED_NAMES
from lookup.quota import Quota
from lookup.schedules import firing
from lookup.settings import MAX_WEIGHT

GOOD: Mapping[str, Any] = {
    "name": "test",
    "workspaces": {"default": Workspace()},
    "partners": {"crm": Partner()},
    "retain": False,
}
ISSUER = "https://id.example.com/tenant"
KNOWN = {"crm": Partner(client_id="c")}
ONE_FIELD = {"default": Workspace(fields=("a",))}
SCHEDULE: Mapping[str, Any] = {"name": "daily", "expression": "rate(1 day)", "roster": "rosters/a.csv"}


def test_an_unknown_stage_is_named() -> None:
    """A stage that is not known is refused with its name and those that are."""
    with pytest.raises(Misconfigured, match="'staging' is not one of dev, prod, rehearsal, local"):
        stage_named("staging", {})


def test_partners_may_have_as_many_erased_as_there_is_room_for() -> None:
    """All that partners may have erased while tombstones count is within the room that they have, and no less."""
    most = {"crm": Partner(erase=600), "web": Partner(erase=400)}
    assert Stage(**{**GOOD, "partners": most}).tombstone_days == 90


def test_the_local_stage_takes_its_vendor_from_the_environment() -> None:
    """MOENGAGE_ENDPOINT_URL reaches the local stage and no other."""
    environment = {"MOENGAGE_ENDPOINT_URL": "http://127.0.0.1:20999"}
    endpoints = {name: stage_named(name, environment).moengage_endpoint_url for name in ("dev", "prod", "local")}
    assert endpoints == {"dev": None, "prod": None, "local": "http://127.0.0.1:20999"}


def test_an_empty_address_is_none() -> None:
    """MOENGAGE_ENDPOINT_URL without a value means what `make run` takes it for: not set."""
    assert stage_named("local", {"MOENGAGE_ENDPOINT_URL": ""}) == stage_named("local", {})


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"name": "Test Stage"}, "stage"),
        ({"name": "s" * 35}, "stage"),
        ({"name": "on-aws"}, "stage"),
        ({"workspaces": {}}, "workspaces"),
        ({"workspaces": {"other": Workspace()}}, "workspaces"),
        ({"workspaces": {"default": Workspace(), "Bad Name": Workspace()}}, "workspaces"),
        ({"partners": {}}, "partners"),
        ({"partners": {"crm": Partner(erase=600), "web": Partner(erase=401)}}, "partners.erase"),
        ({"partners": {"crm": Partner(erase=1000)}, "tombstone_days": 91}, "partners.erase"),
        ({"partners": {f"p{number}": Partner() for number in range(51)}}, "partners"),
        ({"partners": {"Bad Name": Partner()}}, "partners"),
        ({"partners": {"p" * 34: Partner()}}, "partners"),
        ({"partners": {"inline": Partner()}}, "partners"),
        ({"partners": {"crm": Partner(workspaces=())}}, "partners.crm.workspaces"),
        ({"partners": {"crm": Partner(workspaces=("default", "other"))}}, "partners.crm.workspaces"),
        ({"partners": {"crm": Partner(fields=())}}, "partners.crm.fields"),
        ({"partners": {"crm": Partner(users_per_day=0)}}, "partners.crm.users_per_day"),
        ({"partners": {"crm": Partner(weight=0)}}, "partners.crm.weight"),
        ({"partners": {"crm": Partner(weight=1001)}}, "partners.crm.weight"),
        ({"partners": {"crm": Partner(lanes=())}}, "partners.crm.lanes"),
        ({"partners": {"crm": Partner(lanes=("fast",))}}, "partners.crm.lanes"),
        ({"partners": {"crm": Partner(client_id="c")}}, "partners.crm.client_id"),
        ({"issuer": Issuer(url=ISSUER)}, "partners.crm.client_id"),
        ({"issuer": Issuer(url="http://id.example.com"), "partners": KNOWN}, "issuer.url"),
        ({"issuer": Issuer(url=ISSUER + "?a=b"), "partners": KNOWN}, "issuer.url"),
        ({"issuer": Issuer(url=ISSUER), "partners": KNOWN | {"two": Partner(client_id="c")}}, "partners"),
        ({"issuer": Issuer(url=ISSUER), "partners": {"crm": Partner(client_id="c", admin=True)}}, "partners.crm.admin"),
        ({"issuer": Issuer(url=ISSUER, audiences=("a",) * 51), "partners": KNOWN}, "issuer.audiences"),
        ({"issuer": Issuer(url=ISSUER, client_claim=""), "partners": KNOWN}, "issuer.client_claim"),
        ({"issuer": Issuer(url=ISSUER, client_claim="azp or sub"), "partners": KNOWN}, "issuer.client_claim"),
        ({"schedules": (Schedule(**SCHEDULE), Schedule(**SCHEDULE))}, "schedules"),
        (
            {
                "schedules": tuple(
                    Schedule(**{**SCHEDULE, "name": f"s{n}", "roster": f"rosters/{n}{'x' * 450}"}) for n in "abcde"
                )
            },
            "schedules",
        ),
        ({"workspaces": {"default": Workspace(), "a1": Workspace(), "a-1": Workspace()}}, "workspaces"),
        ({"partners": {"crm-2": Partner(), "crm2": Partner()}}, "partners"),
        ({"schedules": (Schedule(**{**SCHEDULE, "name": "d-1"}), Schedule(**{**SCHEDULE, "name": "d1"}))}, "schedules"),
        ({"schedules": (Schedule(**{**SCHEDULE, "name": "feeder-tick-"}),)}, "schedules"),
        ({"schedules": (Schedule(**SCHEDULE, workspace="other"),)}, "schedules.daily.workspace"),
        ({"result_retention_days": 0}, "result_retention_days"),
        ({"log_retention_days": 8}, "log_retention_days"),
        ({"log_level": "LOUD"}, "log_level"),
        ({"log_level": "WARN"}, "log_level"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"request_burst": 0}, "request_burst"),
        ({"queue_memory_mb": 64}, "queue_memory_mb"),
        ({"silent_minutes": 0}, "silent_minutes"),
        ({"silent_minutes": 1381}, "silent_minutes"),
        ({"oldest_message_minutes": 18_721}, "oldest_message_minutes"),
        ({"alarm_email": "ops@example.com"}, "alarm_email"),
        ({"alarms": True, "alarm_email": "ops"}, "alarm_email"),
        ({"tags": {"aws:team": "crm"}}, "tags"),
        ({"tags": {"stage": "other"}}, "tags"),
        ({"tags": {"team": "x" * 257}}, "tags.team"),
        ({"tags": {"team": "sales & service"}}, "tags.team"),
        ({"tags": {f"tag-{number}": "" for number in range(41)}}, "tags"),
        ({"requests_per_second": "50"}, "requests_per_second"),
        ({"request_burst": True}, "request_burst"),
        ({"retain": "no"}, "retain"),
        ({"fixed_egress": "false"}, "fixed_egress"),
        ({"log_level": None}, "log_level"),
        ({"result_retention_days": 36_501}, "result_retention_days"),
        ({"result_retention_days": 4165}, "result_retention_days"),
        ({"egress_zones": ("eu-central-1a",)}, "egress_zones"),
        ({"fixed_egress": True, "egress_zones": "eu-central-1a"}, "egress_zones"),
        ({"fixed_egress": True, "egress_zones": ("a",)}, "egress_zones"),
        ({"fixed_egress": True, "egress_zones": ("eu-central-1a", "eu-central-1a")}, "egress_zones"),
        ({"runbook_url": ""}, "runbook_url"),
        ({"runbook_url": "see our wiki"}, "runbook_url"),
        ({"runbook_url": "https://x/" + "y" * 503}, "runbook_url"),
        ({"token_url": "nonsense"}, "token_url"),
        ({"workspaces": None}, "workspaces"),
        ({"workspaces": ["default"]}, "workspaces"),
        ({"workspaces": {"default": {}}}, "workspaces"),
        ({"partners": None}, "partners"),
        ({"partners": {"crm": None}}, "partners"),
        ({"partners": {1: Partner()}}, "partners"),
        ({"partners": {"crm": Partner(fields=("",))}}, "partners.crm.fields"),
        ({"partners": {"crm": Partner(users_per_day=1.5)}}, "partners.crm.users_per_day"),  # type: ignore[arg-type]  # meant
        ({"partners": {"crm": Partner(admin="yes")}}, "partners.crm.admin"),  # type: ignore[arg-type]  # meant
        ({"partners": {"crm": Partner(fields=("b",))}, "workspaces": ONE_FIELD}, "partners.crm.fields"),
        ({"issuer": ISSUER}, "issuer"),
        ({"issuer": Issuer(url=ISSUER), "partners": {"crm": Partner(client_id=" ")}}, "partners.crm.client_id"),
        ({"schedules": Schedule(**SCHEDULE)}, "schedules"),
        ({"schedules": ({"name": "daily"},)}, "schedules"),
        ({"schedules": (Schedule(**SCHEDULE, fields=("b",)),), "workspaces": ONE_FIELD}, "schedules.daily.fields"),
        ({"tags": None}, "tags"),
        ({"tags": {"team": 1}}, "tags"),
        ({"moengage_endpoint_url": "proxy.example.com"}, "moengage_endpoint_url"),
        ({"moengage_endpoint_url": "http://proxy.example.com"}, "moengage_endpoint_url"),
        ({"moengage_endpoint_url": "https://key@proxy.example.com"}, "moengage_endpoint_url"),
        ({"moengage_endpoint_url": "https://proxy.example.com:port"}, "moengage_endpoint_url"),
        ({"moengage_endpoint_url": "https://proxy.example.com:8443", "fixed_egress": True}, "moengage_endpoint_url"),
    ],
)
def test_a_stage_that_makes_no_sense_names_the_setting(changed: Mapping[str, Any], setting: str) -> None:
    """Each rule of a stage is refused under its setting's name."""
    with pytest.raises(Misconfigured) as caught:
        Stage(**{**GOOD, **changed})
    assert caught.value.setting == setting


def test_the_longest_stage_has_a_domain_that_cognito_takes() -> None:
    """Its prefix holds the service, the stage and the account's twelve digits, in 63 characters."""
    longest = Stage(**{**GOOD, "name": "s" * NAME_LENGTH})
    assert len(f"{SERVICE}-{longest.name}-{'0' * 12}") == 63


def test_names_that_become_one_logical_id_are_both_reported() -> None:
    """The error names the two names; names that differ in a letter's place stay apart."""
    with pytest.raises(Misconfigured, match="'a-1' and 'a1' must differ in more than hyphens"):
        Stage(**{**GOOD, "workspaces": {"default": Workspace(), "a-1": Workspace(), "a1": Workspace()}})
    Stage(**{**GOOD, "workspaces": {"default": Workspace(), "a-b": Workspace(), "ab": Workspace()}})


def test_a_partner_s_bounds_are_those_of_the_functions() -> None:
    """A weight that the settings take is one that a firing takes, and no partner is taken for the operator."""
    assert MAX_WEIGHT == firing.MAX_WEIGHT
    assert OPERATOR in RESERVED_NAMES


def test_one_text_is_not_taken_for_its_letters() -> None:
    """A forgotten comma, as in `("name")`, is refused under its setting, with how one text is written."""
    name: Any = "name"
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: Workspace(fields=name), "workspaces.fields"),
        (lambda: Stage(**{**GOOD, "partners": {"crm": Partner(fields=name)}}), "partners.crm.fields"),
        (lambda: Stage(**{**GOOD, "partners": {"crm": Partner(workspaces=name)}}), "partners.crm.workspaces"),
        (lambda: Schedule(**SCHEDULE, fields=name), "schedules.daily.fields"),
        (
            lambda: Stage(**{**GOOD, "issuer": Issuer(url=ISSUER, audiences=name), "partners": KNOWN}),
            "issuer.audiences",
        ),
    )
    for make, setting in cases:
        with pytest.raises(Misconfigured, match=re.escape("of one text it is ('name',)")) as caught:
            make()
        assert caught.value.setting == setting


def test_a_port_that_the_network_does_not_allow_is_reported() -> None:
    """With a fixed address only 443 leads out; without one any port of an https address will do."""
    elsewhere = {**GOOD, "moengage_endpoint_url": "https://proxy.example.com:8443/moengage"}
    with pytest.raises(Misconfigured, match="is at port 8443; fixed_egress lets only 443 out"):
        Stage(**elsewhere, fixed_egress=True)
    assert not Stage(**elsewhere).fixed_egress
    assert Stage(**{**elsewhere, "moengage_endpoint_url": "https://proxy.example.com"}, fixed_egress=True).fixed_egress


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"fields": ()}, "workspaces.fields"),
        ({"fields": ("name", "")}, "workspaces.fields"),
        ({"quota": 1000}, "workspaces.quota"),
        ({"keep_profiles": "no"}, "workspaces.keep_profiles"),
    ],
)
def test_a_workspace_that_makes_no_sense_names_the_setting(changed: Mapping[str, Any], setting: str) -> None:
    """Each rule of a workspace is refused under its setting's name."""
    with pytest.raises(Misconfigured) as caught:
        Workspace(**changed)
    assert caught.value.setting == setting


def test_a_quota_of_nothing_is_refused() -> None:
    """A workspace whose quota is 0 users could never be called: the error names the quota's limit."""
    with pytest.raises(Misconfigured, match="must be 1 to 1,000,000 users") as caught:
        Workspace(quota=Quota(limit=0))
    assert caught.value.setting == "quota.limit"


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(15 minutes)",
        "cron(0 3 ? * MON-FRI *)",
        "cron(0/15 8-18 L * ? 2027)",
        "cron(0 9 ? JAN,JUL 2#1 *)",
        "at(2026-12-01T03:00:00)",
    ],
)
def test_schedule_expressions_of_the_scheduler_are_taken(expression: str) -> None:
    """Expressions that EventBridge Scheduler documents are accepted."""
    assert Schedule(**{**SCHEDULE, "expression": expression}).expression == expression


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"name": "a b"}, "schedules.name"),
        ({"name": "feeder-tick"}, "schedules.name"),
        ({"expression": "rate(0 minutes)"}, "schedules.daily.expression"),
        ({"expression": "rate(1 minutes)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 * * *)"}, "schedules.daily.expression"),
        ({"expression": "cron(60 3 * * ? *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 24 * * ? *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 * * * *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 ? * ? *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 32 * ? *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 ? 13 MON *)"}, "schedules.daily.expression"),
        ({"expression": "cron(0 3 ? * MONDAY *)"}, "schedules.daily.expression"),
        ({"expression": "at(2026-02-30T03:00:00)"}, "schedules.daily.expression"),
        ({"expression": "every day"}, "schedules.daily.expression"),
        ({"time_zone": "Europe/Atlantis"}, "schedules.daily.time_zone"),
        ({"roster": "demo.csv"}, "schedules.daily.roster"),
        ({"roster": "rosters/"}, "schedules.daily.roster"),
        ({"max_age": -1}, "schedules.daily.max_age"),
        ({"max_age": 366 * 24 * 3600 + 1}, "schedules.daily.max_age"),
        ({"max_age": 1.5}, "schedules.max_age"),
        ({"roster": "rosters/" + "x" * 512}, "schedules.daily.roster"),
        ({"fields": ()}, "schedules.daily.fields"),
        ({"time_zone": None}, "schedules.time_zone"),
    ],
)
def test_a_schedule_that_makes_no_sense_names_the_setting(changed: Mapping[str, Any], setting: str) -> None:
    """Each rule of a schedule is refused under its setting's name."""
    with pytest.raises(Misconfigured) as caught:
        Schedule(**{**SCHEDULE, **changed})
    assert caught.value.setting == setting
