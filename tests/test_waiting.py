"""No wait of a test has a number of its own: what a test waits for comes, or is given up by the one `GIVE_UP`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import GIVE_UP, until

TESTS = Path(__file__).parent
WAITS = frozenset({"communicate", "get", "join", "result", "wait"})
# Bounds that are no waits: calls that are meant to be given up early, receivers that are slow on purpose, a look that
# does not wait, and a program that is measured as its users write it.
MEANT = frozenset(
    {
        "benchmarks/light/peers/usual_script.py",
        "benchmarks/test_light_bench.py",
        "chaos/run.py",
        "local/simulator/test_faults.py",
        "lookup/moengage/test_client_errors.py",
        "lookup/webhooks/test_sender.py",
    }
)


def own_bounds(path: Path) -> Iterator[str]:
    """Return the numbers that a file writes where it waits."""
    name = str(path.relative_to(TESTS))
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        bounds = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
        if function in WAITS or ast.unparse(call.func) == "time.sleep":
            bounds += call.args[:1]
        if name not in MEANT and any(map(_is_number, bounds)):
            yield f"{name}:{call.lineno}: {ast.unparse(call)}"


def _is_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float) and value.value is not True


def test_no_wait_has_a_number_of_its_own() -> None:
    """Processes, threads, answers and pages are waited for until `GIVE_UP`, and nothing sleeps in hope."""
    found = [line for path in sorted(TESTS.rglob("*.py")) for line in own_bounds(path)]
    assert found == []


def test_a_condition_that_never_holds_is_given_up() -> None:
    """What never comes fails the test after minutes; what comes late is given back, zero too."""
    times = iter([0.0, 1.0, GIVE_UP - 1.0, GIVE_UP])
    with pytest.raises(AssertionError, match="nothing within 300 s"):
        until(lambda: False, lambda: next(times))
    seen = iter([None, False, 0])
    assert until(lambda: next(seen)) == 0
