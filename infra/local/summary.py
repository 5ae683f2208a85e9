"""The job's result: one JSON object for programs, a table for the terminal, and whether everything adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.display import Display
from infra.local.results import ResultObjects, Tally, stored_users
from infra.local.stage.stage import Stage
from lookup.model import Status

COLUMNS = ("requested", *(status.value for status in Status))
Row = tuple[str, str]  # key in the JSON object, what it is called in the table
ROWS: tuple[Row, ...] = (
    ("on_demand", "on demand, over HTTP"),
    ("queued", "from the intake queue"),
    ("scheduled", "on a schedule"),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """`vendor_calls` and `vendor_refusals` are the simulator's counters, None when another vendor was called."""

    tallies: Mapping[str, Tally]
    s3_objects: int
    dynamodb_profiles: int
    vendor_calls: int | None
    vendor_refusals: int | None
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the object that `ONCE=1` prints last."""
        by_handler = {name: _counts(tally) for name, tally in self.tallies.items()}
        return {
            **by_handler,
            "s3_objects": self.s3_objects,
            "dynamodb_profiles": self.dynamodb_profiles,
            "vendor_calls": self.vendor_calls,
            "vendor_refusals": self.vendor_refusals,
        }


def summarise(stage: Stage, tallies: Mapping[str, Tally], ordered: Mapping[str, int]) -> Summary:
    """Read back what the stores hold; compare it with what the handlers and the roster's lookup (`ordered`) gave."""
    stored = stored_users(stage)
    objects = len(ResultObjects(stage).keys())
    counters = None if stage.simulator is None else stage.simulator.counters()
    return Summary(
        tallies=tallies,
        s3_objects=objects,
        dynamodb_profiles=len(stored),
        vendor_calls=None if counters is None else counters.calls,
        vendor_refusals=None if counters is None else sum(counters.refusals.values()),
        missing=(*_missing(tallies, stored, objects), *_unlike(tallies["queued"], ordered)),
    )


def _missing(tallies: Mapping[str, Tally], stored: set[tuple[str, str]], objects: int) -> list[str]:
    """Return what does not add up."""
    missing = [f"{name}: {_counts(tally)} does not add up" for name, tally in tallies.items() if not tally.balanced]
    found = set().union(*(tally.found for tally in tallies.values()))
    if found - stored:
        missing.append(f"DynamoDB: {len(found - stored)} found profiles are not in the table")
    if stored - found:
        missing.append(f"DynamoDB: {len(stored - found)} profiles in the table that no handler found")
    if objects == 0:
        missing.append("S3: there is no result object")
    return missing


def _unlike(queued: Tally, ordered: Mapping[str, int]) -> list[str]:
    """Return how the counts of the roster's lookup differ from those of the same identifiers through the queue."""
    if _counts(queued) == dict(ordered):
        return []
    return [f"the lookup of the roster counts {dict(ordered)}, the intake queue {_counts(queued)}"]


def show(summary: Summary, stage: Stage, display: Display) -> None:
    """Show the results and where they are."""
    rows = [(title, *(str(_counts(summary.tallies[name])[column]) for column in COLUMNS)) for name, title in ROWS]
    display.table(("", *(column.replace("_", " ") for column in COLUMNS)), rows)
    display.line(f"{summary.dynamodb_profiles} profiles in the DynamoDB table {stage.outputs['ProfilesTableName']}")
    display.line(f"{summary.s3_objects} result objects in s3://{stage.bucket}/parts/ (gzip NDJSON)")
    if summary.vendor_calls is None:
        display.line("how often the vendor was called is not known here: it is not the simulator")
    else:
        display.line(f"{summary.vendor_calls} calls to the simulated MoEngage, {summary.vendor_refusals} refused")
    for text in summary.missing:
        display.error(text)


def _counts(tally: Tally) -> dict[str, int]:
    counts = tally.counts
    return {column: getattr(counts, column) for column in COLUMNS}
