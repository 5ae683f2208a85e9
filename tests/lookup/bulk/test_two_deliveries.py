"""Two deliveries of one part at the same time: the ledger, the archive and the dead letters tell of one end."""

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
from tests.lookup.bulk.test_processor import part, records, road
from tests.lookup.services import FetchServices, done
from tests.lookup.stage import Stage

__all__ = ["road"]
NAMES = ("a1", "b2")


def at_its_last_attempt(road: FetchServices) -> DeliveredPart:
    work = DeliveredPart(part(road, "00000001", NAMES, origin=RosterRange(0, 6, 1)), redelivered=True)
    road.part_ledger.add_attempts([work.part], ATTEMPT_LIMIT - 1)
    return work


def served(road: FetchServices, work: DeliveredPart) -> Counted:
    (completion,) = done(road.parts.process([work], until=1e12))
    return completion


def once(do: Callable[[], object]) -> Callable[..., None]:
    """Make a hook that does something the first time that it is called."""
    left = [do]

    def hook(*_: object, **__: Any) -> None:
        if left:
            left.pop()()

    return hook


def counted(stage: Stage) -> dict[str, int]:
    """Give what the ledger has counted of the lookup, without zeros."""
    items = stage.dynamodb.scan(TableName=stage.settings.ledger_table_name)["Items"]
    (counts,) = (item for item in items if item["sk"]["S"] == "counts")
    outcomes = {name: int(counts[name]["N"]) for name in ("found", "not_found", "invalid", "failed")}
    return {name: times for name, times in outcomes.items() if times}


def agreed(road: FetchServices, work: DeliveredPart) -> dict[str, int]:
    """Give the outcomes that the ledger has counted, which must be those of the archive."""
    outcomes = counted(road.stage)
    assert outcomes == Counter(one["outcome"] for one in records(road))
    assert (road.part_ledger.status_of(work.part).dead_letter_reason == NO_ANSWER) is ("failed" in outcomes)
    return outcomes


def test_given_up_while_the_last_attempt_is_answered(road: FetchServices, simulator: Simulator) -> None:
    """A second delivery gives the part up while the first has its answer in hand: what is archived first counts."""
    work, ends = at_its_last_attempt(road), list[Counted]()
    road.vendor = replace(road.vendor, on_call=once(lambda: ends.append(served(road, work))))
    ends.append(served(road, work))
    assert agreed(road, work) == {"failed": 2}
    assert [one.reason for one in ends] == [NO_ANSWER] * 2


def test_answered_while_it_is_given_up(road: FetchServices, simulator: Simulator) -> None:
    """A first delivery has its answer counted while the second is about to archive that there is none: it is found."""
    work, ends = at_its_last_attempt(road), list[Counted]()

    def go_on() -> None:
        """Be the delivery that asked before the last attempt was counted."""
        road.part_ledger.add_attempts([work.part], -1)
        ends.append(served(road, work))

    road.part_ledger.add_attempts([work.part], 1)
    road.stage.s3.meta.events.register("before-call.s3.PutObject", once(go_on))
    ends.append(served(road, work))
    assert agreed(road, work) == {"found": 2}
    assert [one.reason for one in ends] == [None] * 2


def test_a_user_who_leaves_between_two_answers(road: FetchServices, simulator: Simulator) -> None:
    """Two deliveries that hear different things of a user: the ledger counts what is archived."""
    work = DeliveredPart(part(road, "00000001", NAMES, origin=RosterRange(0, 6, 1)))

    def leave() -> None:
        simulator.set_user("a1", None)
        served(road, work)

    road.vendor = replace(road.vendor, on_call=once(leave))
    served(road, work)
    assert agreed(road, work) == {"found": 1, "not_found": 1}


def test_a_retry_replaces_what_failed(road: FetchServices, simulator: Simulator) -> None:
    """The next round's outcomes take the place of the failures, and a late delivery of the first round changes none."""
    work = at_its_last_attempt(road)
    road.part_ledger.add_attempts([work.part], 1)
    assert served(road, work).reason == NO_ANSWER
    again = replace(work, part=replace(work.part, origin=RosterRange(0, 6, 1, retry_round=1)))
    assert served(road, again).reason is None
    served(road, work)
    assert agreed(road, again) == {"found": 2}


def test_a_write_that_meets_another(road: FetchServices, simulator: Simulator) -> None:
    """S3 refuses a conditional write while another one is under way: it is tried again."""
    work = DeliveredPart(part(road, "00000001", NAMES, origin=RosterRange(0, 6, 1)))
    refusals = [refused(409, "ConditionalRequestConflict")] * 2
    meets(road.stage.s3, "s3.PutObject", refusals)
    served(road, work)
    assert (agreed(road, work), refusals) == ({"found": 2}, [])


def test_another_part_under_the_same_name(road: FetchServices, simulator: Simulator) -> None:
    """A message that we did not send, under the name of a part that is archived, is served and harms nobody."""
    work = DeliveredPart(part(road, "00000001", NAMES))
    served(road, work)
    strange = DeliveredPart(part(road, "00000001", [*NAMES, "c3"]))
    assert [one.status.value for one in served(road, strange).outcomes] == ["found"] * 3
    assert agreed(road, work) == {"found": 2}


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
    """The workspace's fields change while a part is out: laid aside is what is archived as refused, and only that."""
    simulator.configure(not_found_share=0.0)
    roads = [road_of(stage, exported) for exported in (first, second)]
    work = DeliveredPart(part(roads[0], "00000001", NAMES, origin=RosterRange(0, 6, 1), fields=("u_em",)))
    meets(stage.dynamodb, "dynamodb.TransactWriteItems", [refused(400, "ValidationException")])
    with pytest.raises(ClientError):  # its server breaks off between archive and ledger
        served(roads[0], work)
    completion = served(roads[1], replace(work, redelivered=True))
    assert (counted(stage), completion.reason) == ends
    assert roads[1].part_ledger.status_of(work.part).dead_letter_reason == completion.reason


def road_of(stage: Stage, exported: tuple[str, ...]) -> FetchServices:
    workspace = replace(stage.settings.workspaces["default"], fields=exported)
    return FetchServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))
