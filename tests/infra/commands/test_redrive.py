"""`make redrive`: dead letters go back through the gate, after it is told what that costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.commands import redrive
from lookup.bulk import part_message
from lookup.bulk.queues import Delivery
from lookup.ledger.model import LookupState
from lookup.model import Counts, Part
from tests.infra.stacks import create
from tests.lookup.conftest import stage
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

__all__ = ["stage"]


@pytest.fixture
def desk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> BulkServices:
    """Return a desk whose queues and ledger are the outputs of a deployed stack, and log the operator in."""
    settings, credentials = stage.settings, stage.session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(frozen.access_key))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(frozen.secret_key))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("STAGE", "dev")
    outputs = {
        "LedgerTableName": settings.ledger_table_name,
        "IntakeQueueUrl": settings.intake_queue_url,
        "IntakeDeadLetterQueueUrl": settings.intake_dead_letter_queue_url,
        "PartsQueueUrl": settings.parts_queue_url,
        "PartsDeadLetterQueueUrl": settings.parts_dead_letter_queue_url,
        "ConversionQueueUrl": settings.conversion_queue_url,
        "ConversionDeadLetterQueueUrl": settings.conversion_dead_letter_queue_url,
    }
    template = {
        "Resources": {"One": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    create(stage.session.client("cloudformation", region_name="eu-central-1"), template)
    return BulkServices(stage)


def lay_aside(desk: BulkServices, queue: str, body: str, reason: str = "no_answer") -> None:
    desk.queues.dead_letter(Delivery("m-1", body, "handle", 1, desk.clock(), queue), reason)


def failed_parts(desk: BulkServices) -> list[Part]:
    """Bring a lookup of two parts to its end: no part got an answer, both were laid aside."""
    desk.submit("one", desk.roster("".join(f"user-{n}\n" for n in range(130)).encode()))
    desk.feeder.feed("default")
    parts = desk.taken()
    for part in parts:
        count = len(part.identifiers)
        desk.part_ledger.count_completed([counted(part, Counts(count, failed=count))], "results/none")
        lay_aside(desk, "parts", part_message.serialize_part(part))
    desk.ending.finish_if_done("one")
    return parts


def test_a_dry_run_tells_what_it_costs_and_changes_nothing(
    desk: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Count, cost in users and minutes, and what stays are told; every letter is where it was."""
    failed_parts(desk)
    lay_aside(desk, "intake", '["C-1", "C-2"]')
    lay_aside(desk, "intake", "{broken", "body: starts like JSON but is not readable as JSON")
    monkeypatch.setenv("DRY_RUN", "1")
    assert redrive.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "intake: 2 dead letters: 1 left, 1 sent again",
        "  1 left: body: starts like JSON but is not readable as JSON",
        "parts: 2 dead letters: 2 retried with their lookups",
        "conversion: 0 dead letters: none",
        "cost: 132 users of workspace default, 0.1 minutes of its quota",
        "dry run: nothing was changed",
    ]
    settings = desk.stage.settings
    assert len(desk.stage.messages(settings.intake_dead_letter_queue_url)) == 2
    assert len(desk.stage.messages(settings.parts_dead_letter_queue_url)) == 2
    assert desk.stage.messages(settings.intake_queue_url) == []


def test_more_letters_than_one_run_takes_are_told(
    desk: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Above 1,000 letters the dry run says of how many it saw the first, and what all of them would cost."""
    url = desk.stage.settings.intake_dead_letter_queue_url
    for start in range(0, 1200, 10):
        desk.stage.sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"C-{n}"} for n in range(start, start + 10)]
        )
    monkeypatch.setenv("DRY_RUN", "1")
    assert redrive.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "intake: the first 1,000 of about 1,200 dead letters: 1000 sent again",
        "parts: 0 dead letters: none",
        "conversion: 0 dead letters: none",
        "cost: 1000 users of workspace default, 1.0 minutes of its quota",
        "cost of all, about: 1200 users of workspace default, 1.2 minutes of its quota",
        "dry run: nothing was changed",
    ]


def test_intake_letters_are_sent_again(desk: BulkServices) -> None:
    """A message that can be read by now is on the intake queue again, as it was; an unreadable one stays."""
    lay_aside(desk, "intake", '{"identifiers": ["C-1"], "correlation_id": "é"}')
    lay_aside(desk, "intake", "{broken", "body: starts like JSON")
    assert redrive.main() == 0
    settings = desk.stage.settings
    assert [one["Body"] for one in desk.stage.messages(settings.intake_queue_url)] == [
        '{"identifiers": ["C-1"], "correlation_id": "é"}'
    ]
    assert [one["Body"] for one in desk.stage.messages(settings.intake_dead_letter_queue_url)] == ["{broken"]


def test_a_message_that_was_laid_aside_twice_is_sent_again_once(
    desk: BulkServices, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two letters of one message cost its users once; the second goes with the first."""
    lay_aside(desk, "intake", '["C-1", "C-2"]')
    lay_aside(desk, "intake", '["C-1", "C-2"]')
    assert redrive.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "intake: 2 dead letters: 1 sent again, 1 settled since, dropped"
    assert "cost: 2 users of workspace default, 0.0 minutes of its quota" in told
    settings = desk.stage.settings
    assert len(desk.stage.messages(settings.intake_queue_url)) == 1
    assert desk.stage.messages(settings.intake_dead_letter_queue_url) == []


def test_failed_parts_are_retried_and_counted_anew(desk: BulkServices) -> None:
    """What was counted as failed is asked again with its lookup, and ends as found: nothing is counted twice."""
    failed_parts(desk)
    assert redrive.main() == 0
    assert desk.stage.messages(desk.stage.settings.parts_dead_letter_queue_url) == []
    desk.feeder.feed("default")
    while desk.count():
        desk.feeder.feed("default")
    progress = desk.lookups.get("one")
    assert progress is not None
    assert (progress.state, progress.tally.counts) == (LookupState.COMPLETED, Counts(130, found=130))


def test_a_part_that_never_came_in_is_sent_again(desk: BulkServices) -> None:
    """A part that SQS moved away before it was counted goes back as it is; one that came in since is dropped."""
    desk.submit("one", desk.roster(b"user-1\nuser-2\n"))
    desk.feeder.feed("default")
    (part,) = desk.taken()
    lay_aside(desk, "parts", part_message.serialize_part(part))
    assert redrive.main() == 0
    assert desk.count() == [part]
    lay_aside(desk, "parts", part_message.serialize_part(part))
    assert redrive.main() == 0
    assert desk.taken() == []
    assert desk.stage.messages(desk.stage.settings.parts_dead_letter_queue_url) == []


def test_what_cannot_be_retried_stays(desk: BulkServices, capsys: pytest.CaptureFixture[str]) -> None:
    """A letter of a lookup that still runs, was cancelled, or makes no sense is left, and it is told why."""
    (part, _) = failed_parts(desk)
    forgotten = replace(part, lookup_id="forgotten")
    desk.part_ledger.count_completed([counted(forgotten, Counts(100, failed=100))], "results/none")
    assert redrive.main() == 0
    capsys.readouterr()
    for body in (part_message.serialize_part(part), part_message.serialize_part(forgotten), "{}"):
        lay_aside(desk, "parts", body)
    assert redrive.main() == 0
    assert set(capsys.readouterr().out.splitlines()) >= {
        "parts: 3 dead letters: 3 left",
        "  1 left: the lookup still runs: again when it has ended",
        "  1 left: the lookup was cancelled or is forgotten",
        "  1 left: body: is not a part of version 1 (KeyError)",
    }
    assert len(desk.stage.messages(desk.stage.settings.parts_dead_letter_queue_url)) == 3


def test_conversions_are_sent_again_while_their_lookup_waits(desk: BulkServices) -> None:
    """A conversion goes back to its partner's group; one whose lookup has ended is dropped; it costs no users."""
    url = desk.stage.settings.conversion_dead_letter_queue_url or ""
    spec = desk.submit("packed", replace(desk.roster(b"C-1\n"), gzipped=True))
    for name in (spec.lookup_id, "gone"):
        body = f'{{"lookup_id":"{name}","partner":"acme"}}'
        desk.stage.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=name, MessageDeduplicationId=name)
    assert redrive.main() == 0
    (again,) = desk.stage.messages(desk.stage.settings.conversion_queue_url)
    assert again["Body"] == '{"lookup_id":"packed","partner":"acme"}'
    assert again["Attributes"]["MessageGroupId"] == "acme"
    assert desk.stage.messages(url) == []


def test_a_stage_that_is_not_deployed_is_told(
    desk: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stack the command fails and names it."""
    monkeypatch.setenv("STAGE", "prod")
    assert redrive.main() == 1
    assert "moengage-lookup-prod" in capsys.readouterr().err
