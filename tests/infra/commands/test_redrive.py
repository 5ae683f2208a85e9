"""`make redrive`: dead letters go back to their queues after the cost is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.commands import redrive
from lookup.bulk import part_message
from lookup.bulk.queues import Delivery
from lookup.ledger.model import LookupState
from lookup.model import Counts, Part
from tests.infra.stacks import operate
from tests.lookup.conftest import stage
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

__all__ = ["stage"]


@pytest.fixture
def services(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> BulkServices:
    """Return services whose queues and ledger are the outputs of a deployed stack, and log the operator in."""
    operate(stage, {}, monkeypatch)
    return BulkServices(stage)


def put_dead_letter(services: BulkServices, queue: str, body: str, reason: str = "no_answer") -> None:
    services.queues.dead_letter(Delivery("m-1", body, "handle", 1, services.clock(), queue), reason)


def failed_parts(services: BulkServices) -> list[Part]:
    """Bring a lookup of two parts to its end: no part got an answer, both were dead-lettered."""
    services.submit("one", services.roster("".join(f"user-{n}\n" for n in range(130)).encode()))
    services.feeder.feed("default")
    parts = services.taken()
    for part in parts:
        count = len(part.identifiers)
        services.part_ledger.count_completed([counted(part, Counts(count, failed=count))], "results/none")
        put_dead_letter(services, "parts", part_message.serialize_part(part))
    services.ending.finish_if_done("one")
    return parts


def test_a_dry_run_prints_what_it_costs_and_changes_nothing(
    services: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Count, cost in users and minutes, and what stays are printed; every letter is where it was."""
    failed_parts(services)
    put_dead_letter(services, "intake", '["C-1", "C-2"]')
    put_dead_letter(services, "intake", "{broken", "body: starts like JSON but is not readable as JSON")
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
    settings = services.stage.settings
    assert len(services.stage.messages(settings.intake_dead_letter_queue_url)) == 2
    assert len(services.stage.messages(settings.parts_dead_letter_queue_url)) == 2
    assert services.stage.messages(settings.intake_queue_url) == []


def test_more_letters_than_one_run_takes_are_reported(
    services: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Above 1,000 letters the dry run says of how many it saw the first, and what all of them would cost."""
    url = services.stage.settings.intake_dead_letter_queue_url
    for start in range(0, 1200, 10):
        services.stage.sqs.send_message_batch(
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


def test_intake_letters_are_sent_again(services: BulkServices) -> None:
    """A message that can be read by now is on the intake queue again, as it was; an unreadable one stays."""
    put_dead_letter(services, "intake", '{"identifiers": ["C-1"], "correlation_id": "é"}')
    put_dead_letter(services, "intake", "{broken", "body: starts like JSON")
    assert redrive.main() == 0
    settings = services.stage.settings
    assert [one["Body"] for one in services.stage.messages(settings.intake_queue_url)] == [
        '{"identifiers": ["C-1"], "correlation_id": "é"}'
    ]
    assert [one["Body"] for one in services.stage.messages(settings.intake_dead_letter_queue_url)] == ["{broken"]


def test_a_message_that_was_dead_lettered_twice_is_sent_again_once(
    services: BulkServices, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two letters of one message cost its users once; the second goes with the first."""
    put_dead_letter(services, "intake", '["C-1", "C-2"]')
    put_dead_letter(services, "intake", '["C-1", "C-2"]')
    assert redrive.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "intake: 2 dead letters: 1 sent again, 1 settled since, dropped"
    assert "cost: 2 users of workspace default, 0.0 minutes of its quota" in lines
    settings = services.stage.settings
    assert len(services.stage.messages(settings.intake_queue_url)) == 1
    assert services.stage.messages(settings.intake_dead_letter_queue_url) == []


def test_failed_parts_are_retried_and_counted_anew(services: BulkServices) -> None:
    """What was counted as failed is retried with its lookup, and ends as found: nothing is counted twice."""
    failed_parts(services)
    assert redrive.main() == 0
    assert services.stage.messages(services.stage.settings.parts_dead_letter_queue_url) == []
    services.feeder.feed("default")
    while services.count():
        services.feeder.feed("default")
    progress = services.lookups.get("one")
    assert progress is not None
    assert (progress.state, progress.tally.counts) == (LookupState.COMPLETED, Counts(130, found=130))


def test_a_part_that_never_came_in_is_sent_again(services: BulkServices) -> None:
    """A part that SQS moved away before it was counted goes back as it is; one that came in since is dropped."""
    services.submit("one", services.roster(b"user-1\nuser-2\n"))
    services.feeder.feed("default")
    (part,) = services.taken()
    put_dead_letter(services, "parts", part_message.serialize_part(part))
    assert redrive.main() == 0
    assert services.count() == [part]
    put_dead_letter(services, "parts", part_message.serialize_part(part))
    assert redrive.main() == 0
    assert services.taken() == []
    assert services.stage.messages(services.stage.settings.parts_dead_letter_queue_url) == []


def test_what_cannot_be_retried_stays(services: BulkServices, capsys: pytest.CaptureFixture[str]) -> None:
    """A letter of a lookup that still runs, was cancelled, or cannot be parsed is left, with the reason."""
    (part, _) = failed_parts(services)
    forgotten = replace(part, lookup_id="forgotten")
    services.part_ledger.count_completed([counted(forgotten, Counts(100, failed=100))], "results/none")
    assert redrive.main() == 0
    capsys.readouterr()
    for body in (part_message.serialize_part(part), part_message.serialize_part(forgotten), "{}"):
        put_dead_letter(services, "parts", body)
    assert redrive.main() == 0
    assert set(capsys.readouterr().out.splitlines()) >= {
        "parts: 3 dead letters: 3 left",
        "  1 left: the lookup still runs: again when it has ended",
        "  1 left: the lookup was cancelled or is forgotten",
        "  1 left: body: is not a part of version 1 (KeyError)",
    }
    assert len(services.stage.messages(services.stage.settings.parts_dead_letter_queue_url)) == 3


def test_conversions_are_sent_again_while_their_lookup_waits(services: BulkServices) -> None:
    """A conversion goes back to its partner's group; one whose lookup has ended is dropped; it costs no users."""
    url = services.stage.settings.conversion_dead_letter_queue_url or ""
    spec = services.submit("packed", replace(services.roster(b"C-1\n"), needs_rewriting=True))
    for name in (spec.lookup_id, "gone"):
        body = f'{{"lookup_id":"{name}","partner":"acme"}}'
        services.stage.sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=name, MessageDeduplicationId=name
        )
    assert redrive.main() == 0
    (again,) = services.stage.messages(services.stage.settings.conversion_queue_url)
    assert again["Body"] == '{"lookup_id":"packed","partner":"acme"}'
    assert again["Attributes"]["MessageGroupId"] == "acme"
    assert services.stage.messages(url) == []


def test_a_stage_that_is_not_deployed_is_reported(
    services: BulkServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stack the command fails and names it."""
    monkeypatch.setenv("STAGE", "prod")
    assert redrive.main() == 1
    assert "moengage-lookup-prod" in capsys.readouterr().err
