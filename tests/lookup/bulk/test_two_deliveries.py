"""Two concurrent deliveries of one part: the ledger, the archive and the dead letters agree on one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.simulator.process import Simulator
from lookup.ledger.parts import ATTEMPT_LIMIT, NO_ANSWER, Counted, DeliveredPart
from lookup.model import RosterRange
from tests.aws_answers import meets, refused
from tests.lookup.bulk.test_processor import part, records, services
from tests.lookup.services import FetchServices, done
from tests.lookup.stage import Stage

__all__ = ["services"]
NAMES = ("a1", "b2")


def at_its_last_attempt(services: FetchServices) -> DeliveredPart:
    work = DeliveredPart(part(services, "00000001", NAMES, origin=RosterRange(0, 6, 1)), redelivered=True)
    services.part_ledger.add_attempts([work.part], ATTEMPT_LIMIT - 1)
    return work


def served(services: FetchServices, work: DeliveredPart) -> Counted:
    (completion,) = done(services.parts.process([work], until=1e12))
    return completion


def once(do: Callable[[], object]) -> Callable[..., None]:
    """Make a hook that does something the first time that it is called."""
    left = [do]

    def hook(*_: object, **__: Any) -> None:
        if left:
            left.pop()()

    return hook


def counted(stage: Stage) -> dict[str, int]:
    """Return what the ledger has counted of the lookup, without zeros."""
    items = stage.dynamodb.scan(TableName=stage.settings.ledger_table_name)["Items"]
    (counts,) = (item for item in items if item["sk"]["S"] == "counts")
    outcomes = {name: int(counts[name]["N"]) for name in ("found", "not_found", "invalid", "failed")}
    return {name: times for name, times in outcomes.items() if times}


def agreed(services: FetchServices, work: DeliveredPart) -> dict[str, int]:
    """Return the outcomes that the ledger has counted, which must be those of the archive."""
    outcomes = counted(services.stage)
    assert outcomes == Counter(one["outcome"] for one in records(services))
    assert (services.part_ledger.status_of(work.part).dead_letter_reason == NO_ANSWER) is ("failed" in outcomes)
    return outcomes


def test_given_up_while_the_last_attempt_is_answered(services: FetchServices, simulator: Simulator) -> None:
    """A second delivery fails the part while the first holds its response: what is archived first counts."""
    work, ends = at_its_last_attempt(services), list[Counted]()
    services.vendor = replace(services.vendor, on_call=once(lambda: ends.append(served(services, work))))
    ends.append(served(services, work))
    assert agreed(services, work) == {"failed": 2}
    assert [one.reason for one in ends] == [NO_ANSWER] * 2


def test_answered_while_it_is_given_up(services: FetchServices, simulator: Simulator) -> None:
    """A first delivery has its answer counted while the second is about to archive that there is none: it is found."""
    work, ends = at_its_last_attempt(services), list[Counted]()

    def go_on() -> None:
        """Continue the delivery that called before the last attempt was counted."""
        services.part_ledger.add_attempts([work.part], -1)
        ends.append(served(services, work))

    services.part_ledger.add_attempts([work.part], 1)
    services.stage.s3.meta.events.register("before-call.s3.PutObject", once(go_on))
    ends.append(served(services, work))
    assert agreed(services, work) == {"found": 2}
    assert [one.reason for one in ends] == [None] * 2


def test_a_user_who_leaves_between_two_answers(services: FetchServices, simulator: Simulator) -> None:
    """Two deliveries that hear different things of a user: the ledger counts what is archived."""
    work = DeliveredPart(part(services, "00000001", NAMES, origin=RosterRange(0, 6, 1)))

    def leave() -> None:
        simulator.set_user("a1", None)
        served(services, work)

    services.vendor = replace(services.vendor, on_call=once(leave))
    served(services, work)
    assert agreed(services, work) == {"found": 1, "not_found": 1}


def test_a_retry_replaces_what_failed(services: FetchServices, simulator: Simulator) -> None:
    """The next round's outcomes take the place of the failures, and a late delivery of the first round changes none."""
    work = at_its_last_attempt(services)
    services.part_ledger.add_attempts([work.part], 1)
    assert served(services, work).reason == NO_ANSWER
    again = replace(work, part=replace(work.part, origin=RosterRange(0, 6, 1, retry_round=1)))
    assert served(services, again).reason is None
    served(services, work)
    assert agreed(services, again) == {"found": 2}


def test_a_write_that_meets_another(services: FetchServices, simulator: Simulator) -> None:
    """S3 refuses a conditional write while another one is under way: it is tried again."""
    work = DeliveredPart(part(services, "00000001", NAMES, origin=RosterRange(0, 6, 1)))
    refusals = [refused(409, "ConditionalRequestConflict")] * 2
    meets(services.stage.s3, "s3.PutObject", refusals)
    served(services, work)
    assert (agreed(services, work), refusals) == ({"found": 2}, [])


def test_another_part_under_the_same_name(services: FetchServices, simulator: Simulator) -> None:
    """A message that we did not send, under the name of a part that is archived, is served and harms nobody."""
    work = DeliveredPart(part(services, "00000001", NAMES))
    served(services, work)
    strange = DeliveredPart(part(services, "00000001", [*NAMES, "c3"]))
    assert [one.status.value for one in served(services, strange).outcomes] == ["found"] * 3
    assert agreed(services, work) == {"found": 2}


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        (("u_em",), ("u_fn",), ({"found": 2}, None)),
        (("u_fn",), ("u_em",), ({"failed": 2}, "refused")),
        (("u_fn",), ("u_fn",), ({"failed": 2}, "fields: holds a field that is not exported from this workspace")),
    ],
)
def test_refused_by_one_of_two_deliveries(
    stage: Stage,
    simulator: Simulator,
    first: tuple[str, ...],
    second: tuple[str, ...],
    ends: tuple[dict[str, int], str | None],
) -> None:
    """The workspace's fields change while a part is in flight: only what is archived as refused is dead-lettered."""
    simulator.configure(not_found_share=0.0)
    deliveries = [services_of(stage, exported) for exported in (first, second)]
    work = DeliveredPart(part(deliveries[0], "00000001", NAMES, origin=RosterRange(0, 6, 1), fields=("u_em",)))
    meets(stage.dynamodb, "dynamodb.TransactWriteItems", [refused(400, "ValidationException")])
    with pytest.raises(ClientError):  # its server breaks off between archive and ledger
        served(deliveries[0], work)
    completion = served(deliveries[1], replace(work, redelivered=True))
    assert (counted(stage), completion.reason) == ends
    assert deliveries[1].part_ledger.status_of(work.part).dead_letter_reason == completion.reason


def services_of(stage: Stage, exported: tuple[str, ...]) -> FetchServices:
    workspace = replace(stage.settings.workspaces["default"], fields=exported)
    return FetchServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))
