"""The search for those who spoil their payload, by itself: who fails, and what it costs, wherever and however many."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.errors import VendorAccessDenied, VendorError, VendorUnavailable
from lookup.fetch.isolation import REFUSED_BY_VENDOR, UNANSWERABLE, UNREADABLE, CallQueue
from lookup.model import Identifier
from tests.lookup.services import customer

REFUSED = VendorAccessDenied("refused", status=403, may_be_content=True)
BROKEN = VendorUnavailable("broken_body", status=200, may_be_content=True)

VENDOR_ERROR = VendorUnavailable("vendor_trouble", status=500)


@dataclass
class Search:
    """A queue, sent call by call; `accidents` are the numbers of calls that fail whatever they hold."""

    names: list[Identifier]
    bad: set[Identifier]
    fault: VendorError = BROKEN
    grant: int = 20
    accidents: set[int] = field(default_factory=set)
    calls: int = 0
    users: int = 0
    found: list[Identifier] = field(default_factory=list)
    failed: dict[Identifier, str] = field(default_factory=dict)

    def carried_out(self) -> Search:
        line, well_at = CallQueue(self.names), 0.0
        while line:
            payload = line.next()[: self.grant]
            assert 0 < len(payload) <= 20
            self.calls, self.users = self.calls + 1, self.users + len(payload)
            if self.bad & set(payload) or self.calls in self.accidents:
                line.doubt(payload, self.fault, float(self.calls))
            else:
                line.answered(len(payload), ())
                self.found += payload
                well_at = float(self.calls)
            self.failed |= line.settle_refused(well_at)
        self.failed |= line.settle_refused(float(self.calls + 1))  # the neutral call at the end
        assert line.refused == []
        return self


@given(total=st.integers(1, 100), grant=st.integers(1, 20), data=st.data())
@pytest.mark.parametrize(("fault", "reason"), [(REFUSED, REFUSED_BY_VENDOR), (BROKEN, UNREADABLE)])
def test_just_the_bad_fail(fault: VendorError, reason: str, total: int, grant: int, data: st.DataObject) -> None:
    """However many are bad and wherever, each of them fails and nobody else, for under three calls and users each."""
    names = [customer(f"user-{number}") for number in range(total)]
    bad = data.draw(st.sets(st.sampled_from(names)))
    search = Search(names, bad, fault, grant).carried_out()
    assert search.failed == dict.fromkeys(bad, reason)
    assert sorted(search.found) == sorted(set(names) - bad)
    assert search.users <= 3 * total + 40
    assert search.calls <= 3 * total


@pytest.mark.parametrize("place", range(20))
@pytest.mark.parametrize("fault", [REFUSED, BROKEN], ids=["refused", "broken"])
def test_one_of_twenty(place: int, fault: VendorError) -> None:
    """One of twenty is found in eleven calls and sixty users at most, wherever it is."""
    names = [customer(f"user-{number}") for number in range(20)]
    search = Search(names, {names[place]}, fault).carried_out()
    assert (list(search.failed), search.calls <= 11, search.users <= 60) == ([names[place]], True, True)


@pytest.mark.parametrize("total", [20, 100, 1000])
def test_all_bad(total: int) -> None:
    """Where all are bad they are soon requested one by one: one user and call each, and a payload's more."""
    names = [customer(f"user-{number}") for number in range(total)]
    search = Search(names, set(names), REFUSED).carried_out()
    assert (len(search.failed), search.users <= total + 40, search.calls <= total + 10) == (total, True, True)


@given(accident=st.integers(1, 30), total=st.integers(1, 60))
def test_an_accident_fails_nobody(accident: int, total: int) -> None:
    """One broken answer, to whichever call, fails nobody; it takes a second one to the same to be believed."""
    names = [customer(f"user-{number}") for number in range(total)]
    search = Search(names, set(), BROKEN, accidents={accident}).carried_out()
    assert (search.failed, sorted(search.found)) == ({}, sorted(names))


def test_absolved() -> None:
    """When the account or MoEngage was the cause no identifier is suspected, and those about to fail are retried."""
    names = [customer("C-1"), customer("C-2")]
    line = CallQueue(names)
    line.doubt(names, REFUSED, 1.0)
    line.doubt(names[:1], REFUSED, 2.0)
    assert [one.identifier for one in line.refused] == names[:1]
    line.clear_suspects()
    assert (line.refused, line.doubted, list(line.next())) == ([], frozenset(), names)


@given(total=st.integers(1, 100), grant=st.integers(1, 20), each=st.integers(1, 12), data=st.data())
def test_vendor_errors_in_short_runs(total: int, grant: int, each: int, data: st.DataObject) -> None:
    """However short the runs, each continues the search of the last: only the bad fail, for few calls each."""
    names = [customer(f"user-{number}") for number in range(total)]
    bad = data.draw(st.sets(st.sampled_from(names)))
    doubted: dict[Identifier, int] = {}
    failed: dict[Identifier, str] = {}
    found: set[Identifier] = set()
    calls = 0
    while left := [one for one in names if one not in failed and one not in found]:
        line = CallQueue(left, doubted)
        for _ in range(each):
            if not line:
                break
            payload, calls = line.next()[:grant], calls + 1
            if bad & set(payload):
                line.doubt(payload, VENDOR_ERROR, float(calls))
                failed |= line.settle_refused(float(calls))
            else:
                line.answered(len(payload), ())
                found |= set(payload)
        doubted = {one: line.unanswered_calls(one) for one in line.doubted}
        assert calls <= 4 * total + 20
    assert failed == dict.fromkeys(bad, UNANSWERABLE)
    assert found == set(names) - bad


def test_suspects_rest_and_come_last() -> None:
    """An identifier that failed alone is retried after the others, and not before its pause is over."""
    names = [customer("C-1"), customer("C-2")]
    line = CallQueue(names)
    line.doubt(names, VENDOR_ERROR, 1.0)
    line.doubt(names[:1], VENDOR_ERROR, 2.0, rest=1.5)
    assert (list(line.next()), line.ready_at) == (names[1:], 0.0)
    line.answered(1, ())
    assert (list(line.next()), line.ready_at) == (names[:1], 3.5)
    assert line.doubted == frozenset(names[:1])
    line.clear_suspects()
    assert (line.doubted, list(line.next()), line.ready_at) == (frozenset(), names[:1], 0.0)
