"""Promises about alarms: their metrics, whom they notify, and their runbook entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.app import ROOT
from lookup.telemetry import NAMESPACE, SERVICE, Metric
from tests.infra.template import Properties, Template, listed, text

ALARMS = {
    "gate-closed": "gate-closed",
    "secret-missing": "key-rotated",
    "secret-unreadable": "key-rotated",
    "vendor-throttled": "quota-shared-with-somebody-else",
    "vendor-refused": "workspace-refused",
    "requests-rejected": "errors",
    "stuck-lookup": "stuck-lookup",
    "recursive-loop": "recursive-loop",
    "results-not-published": "results-not-published",
    "vendor-trouble": "vendor-down",
    "no-successful-call": "no-successful-call",
    "oldest-intake": "oldest-message",
    "oldest-parts": "oldest-message",
    "oldest-answers": "oldest-message",
    "oldest-conversions": "oldest-message",
    "oldest-results": "oldest-message",
    "oldest-erasures": "oldest-message",
    "dead-letters-intake": "dead-letters",
    "dead-letters-parts": "dead-letters",
    "dead-letters-answers": "dead-letters",
    "dead-letters-conversions": "dead-letters",
    "dead-letters-results": "dead-letters",
    "dead-letters-webhooks": "dead-letters",
    "dead-letters-erasures": "dead-letters",
    "dead-letters-failed-firings": "dead-letters",
    "dead-letters-undelivered-events": "dead-letters",
    "errors-on_request": "errors",
    "errors-on_queue": "errors",
    "errors-on_schedule": "errors",
    "errors-on_conversion": "errors",
    "errors-on_results": "errors",
    "errors-on_webhook": "errors",
    "errors-on_erasure": "errors",
    "throttles-on_request": "concurrency-used-up",
    "throttles-on_queue": "concurrency-used-up",
    "throttles-on_schedule": "concurrency-used-up",
    "throttles-on_conversion": "concurrency-used-up",
    "throttles-on_results": "concurrency-used-up",
    "throttles-on_webhook": "concurrency-used-up",
    "throttles-on_erasure": "concurrency-used-up",
}
OF_AWS = {
    "AWS/Lambda": {"Errors", "Invocations", "RecursiveInvocationsDropped", "Throttles"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}


def alarms(template: Template) -> dict[str, Properties]:
    prefix = f"moengage-lookup-{template.stage}-"
    found = template.of_type("AWS::CloudWatch::Alarm").values()
    return {str(alarm["AlarmName"]).removeprefix(prefix): alarm for alarm in found}


def metrics(alarm: Properties) -> Iterator[Mapping[str, Any]]:
    """The metrics behind an alarm, one or those of a calculation."""
    return (used["MetricStat"]["Metric"] for used in alarm["Metrics"] if "MetricStat" in used)


def looks_at(alarm: Properties) -> tuple[str, str, int]:
    """The name, statistic and period in seconds of an alarm's one metric."""
    (used,) = [used["MetricStat"] for used in alarm["Metrics"]]
    return used["Metric"]["MetricName"], used["Stat"], used["Period"]


@pytest.fixture(params=["prod", "full"])
def watched(request: pytest.FixtureRequest, templates: Mapping[str, Template]) -> Template:
    return templates[str(request.param)]


def test_these_are_the_alarms(watched: Template) -> None:
    """A stage with alarms has exactly these; a stage without has neither alarms nor a topic."""
    assert set(alarms(watched)) == set(ALARMS)


@pytest.mark.parametrize("stage", ["dev", "local"])
def test_a_stage_without_alarms_pays_for_none(stage: str, templates: Mapping[str, Template]) -> None:
    """The stages dev and local have no alarm and no topic."""
    assert alarms(templates[stage]) == {}
    assert templates[stage].of_type("AWS::SNS::Topic") == {}


def test_every_alarm_leads_to_its_entry_in_the_runbook(watched: Template) -> None:
    """The description ends with a link, and the runbook has a heading of that name."""
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = {found.lower().replace(" ", "-") for found in re.findall(r"^## (.*)$", runbook, re.MULTILINE)}
    base = "https://wiki.example.com/runbook" if watched.stage == "full" else "docs/runbook.md"
    for name, alarm in alarms(watched).items():
        assert alarm["AlarmDescription"].split()[-1] == f"{base}#{ALARMS[name]}"
        assert ALARMS[name] in headings


def test_every_metric_is_one_that_somebody_sends(watched: Template) -> None:
    """An alarm looks at a metric of the enum, with the dimensions that the functions write, or at one of AWS."""
    for alarm in alarms(watched).values():
        for metric in metrics(alarm):
            if metric["Namespace"] == NAMESPACE:
                dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
                assert metric["MetricName"] in set(Metric)
                assert dimensions == {"service": SERVICE, "stage": watched.stage}
            else:
                assert metric["MetricName"] in OF_AWS[metric["Namespace"]]


def test_every_alarm_tells_the_topic_when_it_begins_and_ends(watched: Template) -> None:
    """Each alarm has the one topic as its action both ways, and silence of a metric is no alarm."""
    (topic,) = watched.of_type("AWS::SNS::Topic")
    for alarm in alarms(watched).values():
        assert [watched.attribute(arn) for arn in alarm["AlarmActions"]] == [topic]
        assert [watched.attribute(arn) for arn in alarm["OKActions"]] == [topic]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_may_publish_with_tls_only(watched: Template) -> None:
    """The topic lets CloudWatch publish for this account, and denies everybody without TLS."""
    statements = watched.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [one for one in statements if one["Effect"] == "Allow"]
    (denied,) = [one for one in statements if one["Effect"] == "Deny"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert (denied["Principal"], listed(denied["Action"])) == ("*", ["sns:Publish"])
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_operator_s_address_is_subscribed(templates: Mapping[str, Template]) -> None:
    """The setting becomes a subscription by e-mail; without it there is only the topic."""
    subscription = templates["full"].only("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.com")
    assert templates["prod"].of_type("AWS::SNS::Subscription") == {}


def test_a_gate_that_stays_closed_is_reported(watched: Template) -> None:
    """Three minutes in a row; a closing of seconds raises no alarm."""
    alarm = alarms(watched)["gate-closed"]
    assert looks_at(alarm) == ("GateIsClosed", "Maximum", 60)
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (3, 1)


def test_a_deployment_without_the_secret_s_value_is_reported(watched: Template) -> None:
    """Three minutes' ticks without a value are enough, also without requests: the stack is not ready."""
    alarm = alarms(watched)["secret-missing"]
    assert looks_at(alarm) == ("SecretsMissing", "Maximum", 60)
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (3, 1)


def test_a_malformed_secret_is_reported_for_an_hour(watched: Template) -> None:
    """One unreadable secret is enough, and the alarm stays until waiting work calls again, within the hour."""
    alarm = alarms(watched)["secret-unreadable"]
    assert looks_at(alarm) == ("SecretsUnreadable", "Sum", 300)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (12, 1, 1)


def test_a_request_that_moengage_cannot_read_is_reported(watched: Template) -> None:
    """One rejected request is enough: it is a defect of ours."""
    alarm = alarms(watched)["requests-rejected"]
    assert looks_at(alarm) == ("RequestsRejected", "Sum", 300)
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (1, 1)


def test_a_function_that_lambda_does_not_start_is_reported(watched: Template) -> None:
    """Each function's refused invocations, which are no errors, in two of three times five minutes."""
    for module in watched.functions():
        alarm = alarms(watched)[f"throttles-{module}"]
        (metric,) = metrics(alarm)
        (function,) = [dimension["Value"] for dimension in metric["Dimensions"]]
        assert watched.resources[watched.attribute(function)]["Properties"]["Handler"] == f"{module}.handler"
        assert looks_at(alarm) == ("Throttles", "Sum", 300)
        assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (3, 2, 1)


def test_each_queue_is_watched_itself(watched: Template) -> None:
    """The alarms about queues look at every queue of the stack, dead-letter queues at any message at all.

    Webhooks wait on theirs for three days where a receiver does not answer: their age says nothing.
    """
    looked_at = {
        name: text(dimension["Value"]).partition(".")[0][:-8]
        for name, alarm in alarms(watched).items()
        if name.startswith(("dead-letters", "oldest"))
        for metric in metrics(alarm)
        for dimension in metric["Dimensions"]
    }
    queues = {queue[:-8] for queue in watched.of_type("AWS::SQS::Queue")}
    assert queues - set(looked_at.values()) == {"WebhooksQueue"}
    assert {alarms(watched)[name]["Threshold"] for name in looked_at if name.startswith("dead")} == {1}
    assert {alarms(watched)[name]["Threshold"] for name in looked_at if name.startswith("oldest")} == {3600}
