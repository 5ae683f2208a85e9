"""The HTTP handler under any body: each is answered or refused, none makes it fail."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Simulator
from lookup.api.app import NESTING
from tests.fuzz.values import JSON, SQS_TEXT, nearly, written
from tests.handlers.calling import Calling, kind_of
from tests.handlers.conftest import call

__all__ = ["call"]
EXAMPLES = 80
ORDER = {"identifiers": ["C-1"], "workspace": "default", "fields": ["u_em"], "max_age": 0, "stale_if_error": 0}
NUMBERS = st.sampled_from(
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000, "1e99999999999999999999", "-0"]
)
NESTED = st.integers(1, 2000).map(lambda depth: "[" * depth + "]" * depth)
BODIES = st.one_of(
    SQS_TEXT,
    JSON.map(written),
    nearly(ORDER).map(written),
    st.one_of(NUMBERS, NESTED).map('{{"identifiers": ["C-1", {}]}}'.format),
    NUMBERS.map('{{"identifiers": ["C-1"], "max_age": {}}}'.format),
)


def test_any_body_is_answered(simulator: Simulator, call: Calling) -> None:
    """Whatever the body is, the answer is a result or the caller's fault, at once, behind, and with a key."""
    ways = st.sampled_from([{}, {"prefer": "respond-async"}, {"idempotency_key": "k-1"}])

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(body=BODIES, headers=ways)
    @example(body='{"identifiers": ["C-1", 1e400]}', headers={"idempotency_key": "k-2"})
    def always(body: str, headers: dict[str, str]) -> None:
        assert call("POST", "/v1/lookups", raw=body, **headers)[0] < 500

    always()


def test_numbers_that_are_no_identifiers(simulator: Simulator, call: Calling) -> None:
    """A number of any size is one invalid entry, and its neighbour is served; NaN is no JSON."""
    for number in ("1e400", "9" * 5000, "1.5"):
        status, body, _ = call("POST", "/v1/lookups", raw=f'{{"identifiers": ["C-1", {number}]}}')
        assert (status, body["counts"]["found"], body["counts"]["invalid"]) == (200, 1, 1)
    for constant in ("NaN", "Infinity", "-Infinity"):
        answer = call("POST", "/v1/lookups", raw=f'{{"identifiers": ["C-1", {constant}]}}')
        assert kind_of(answer) == (400, "malformed")


def test_how_deep_a_body_may_nest(simulator: Simulator, call: Calling) -> None:
    """An entry nested to the limit is one invalid entry, also with a key; one level more is a 400."""
    for depth, status in ((NESTING - 1, 200), (NESTING, 400)):
        body = f'{{"identifiers": ["C-1", {"[" * depth}{"]" * depth}]}}'
        assert call("POST", "/v1/lookups", raw=body, idempotency_key=f"k-{depth}")[0] == status


def test_a_number_is_not_its_text(simulator: Simulator, call: Calling) -> None:
    """A key that came with the text of a number is refused with the number: they are different requests."""
    assert call("POST", "/v1/lookups", raw='{"identifiers": ["1.5"]}', idempotency_key="k-3")[0] == 200
    answer = call("POST", "/v1/lookups", raw='{"identifiers": [1.5]}', idempotency_key="k-3")
    assert kind_of(answer) == (422, "idempotency-key-reused")
