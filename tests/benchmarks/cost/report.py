"""The page: what a million costs, what of, at which prices, and what was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.cost.fixed import HOURS
from tests.benchmarks.cost.model import Line
from tests.benchmarks.cost.prices import AS_OF, MILLION, PRICES, REGION, Item, total
from tests.benchmarks.cost.profiles import PROFILE_BYTES
from tests.benchmarks.cost.seconds import ROUND_TRIPS, SLOWNESS
from tests.benchmarks.cost.units import Usage
from tests.benchmarks.cost.workers import LATENCY
from tests.benchmarks.erasure.month import MONTH, MONTH_DOLLARS, MONTH_MINUTES
from tests.benchmarks.erasure.seeding import HOUR

NAMES = ("bulk_both", "bulk_texts", "bulk_s3_only", "warm_hit", "lone_miss", "quota_poll")
TARGETS: Mapping[str, float] = {
    "bulk_both": 2.50,
    "bulk_s3_only": 0.75,
    "warm_hit": 1.60,
    "lone_miss": 9.00,
    "console_day": 0.10,
}
# The console's overview, open and seen all day; an operator's looks have the dead letters counted, too.
CONSOLE_HOURS, CONSOLE_SECONDS = 8, 3
LETTER_QUEUES, LETTER_SECONDS = 9, 15
SHOWN = 0.001  # dollars
MEASURED = Path(__file__).parents[3] / "docs" / "benchmarks" / "erasure.md"

INTRODUCTION = f"""# What it costs

Written by `make cost`. Requests and log bytes are counted while the real handlers do real jobs, with
{PROFILE_BYTES} bytes of attributes a user, of [the usual kinds](decisions/0044-light-requests.md#bulk);
seconds of function are computed, waits included; both are multiplied with
public list prices of {REGION} as known in {AS_OF}, without free tiers. Check [the prices](#prices) before you rely on
them.
"""
TOKENS = """Tokens come on top: Cognito charges ${one:.5f} for each. A token lives {life:g} h, so a partner that keeps
it and asks around the clock takes {tokens:.0f} a month, ${month:.2f}. One that fetches a token for every request pays
${million:,.0f} a million: partners should reuse their token.
"""
CONSOLE = """## The console

A person who has the overview open and in sight for {hours} hours makes {looks:,} requests for the quota, one every
{seconds} s: ${day:.3f} a day. An operator, for whom dead letters are counted, costs ${operator:.3f}. A page that is
hidden asks nothing, and other pages ask more rarely. An answer that has not changed is a 304 without a body, which
costs the same. A person costs $0.015 in a month in which it signs in, beyond 10,000 free ones (Cognito, plan
Essentials, remembered like the prices below); its tokens cost nothing. The minute's sample of the quota is three write
units, which are in the month above.
"""
WAITING = """
A part waits: two workers share a quota of 16.7 users a second, so each is at its part for 12 s, most of it at the gate.
Waiting is paid by the memory, which is why `on_queue` has little (`Stage.queue_memory_mb`); twice the memory is twice
that line. Tried and not done: sending parts with a delay, so that fewer wait inside a function, saves a quarter of the
line, but costs quota whenever the delay is a little too long.
"""
NOT_IN_IT = """
Metrics are charged in the hours in which they are written; the table has all of them, all month. Not in it: what is
stored ($0.25 a GB and month in DynamoDB, where the stage retains its data $0.20 more to restore it to a point in time,
$0.023 in S3: a million profiles are some 2.4 GB), traces (`Stage.tracing`, off), queries, and data that leaves the
region.
"""
ERASURES = """## Erasures

Everything is [searched twice](privacy.md#erasing-somebody), and what holds the people is rewritten. Over a month at
full quota, {records:,} records of 2 KB in {sets} sets of files of an hour each, as
[measured on a part of it and computed for the rest](benchmarks/erasure.md):

| People in one erasure | Dollars | Minutes of function |
| --- | --- | --- |
| one, who is in every 24th set | {one_dollars} | {one_minutes} |
| a hundred, who are in every second set | {hundred_dollars} | {hundred_minutes} |
"""
ASSUMED = """## Assumed

- A call of MoEngage takes {latency:.0f} ms. Bulk is worked at the pace of 1,000 users a minute by the deployed number
  of workers: the real gate runs in simulated time.
- A processor of Lambda takes {slowness:g} times as long as the one that counted; memory buys a share of it.
- Round trips: {round_trips} (PutItem: eight at once).
- Instances are warm. Nothing fails, nothing is delivered twice.
"""
WHERE_FROM = f"""## Prices

Public list prices of {REGION}, {AS_OF}, as remembered from the pages named here; no network was at hand to read them
again. The price of an app client is that of 2024 and 2025; AWS may have dropped it since.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Lines in the order of `NAMES`, and a month of an idle stage."""

    lines: tuple[Line, ...]
    fixed: Usage

    def to_json(self) -> dict[str, float]:
        """Return dollars: of a million users or requests, and of a month."""
        dollars = {name: round(line.dollars, 4) for name, line in zip(NAMES, self.lines, strict=True)}
        dollars |= {"console_day": round(self.console_day(operator=True), 4)}
        return dollars | {"fixed_monthly": round(total(self.fixed), 4)}

    def console_day(self, *, operator: bool) -> float:
        """Return the dollars of one person's day."""
        day = CONSOLE_HOURS * 3600
        counted = day / LETTER_SECONDS * LETTER_QUEUES if operator else 0
        look = self.lines[NAMES.index("quota_poll")].dollars / MILLION
        return day / CONSOLE_SECONDS * look + PRICES[Item.SQS_REQUEST].of(counted)

    @property
    def reached(self) -> bool:
        """Whether every target is."""
        return all(self.to_json()[name] < target for name, target in TARGETS.items())


def written(report: Report) -> str:
    """Write the page."""
    parts = [
        *_summary(report),
        *_of_what(report),
        *_fixed(report),
        _console(report),
        _erasures(),
        _assumed(),
        *_prices(),
    ]
    return "\n".join(parts) + "\n"


def _summary(report: Report) -> Iterator[str]:
    dollars = report.to_json()
    from infra.constructs.access.user_pool import TOKEN_LIFE  # noqa: PLC0415 - begins Node

    yield INTRODUCTION
    yield "| A million of | Dollars | To reach | |"
    yield "| --- | --- | --- | --- |"
    for name in NAMES:
        target = TARGETS.get(name)
        aim = "" if target is None else f"under {target:.2f}"
        mark = "" if target is None else "reached" if dollars[name] < target else "missed"
        yield f"| {_subject(name)} | {dollars[name]:.2f} | {aim} | {mark} |"
    limit, day = TARGETS["console_day"], dollars["console_day"]
    result = "reached" if day < limit else "missed"
    yield f"\nA person at [the console](#the-console) costs ${day:.3f} a day, to be under ${limit:.2f}: {result}."
    yield f"\nA stage that nobody uses costs ${dollars['fixed_monthly']:.2f} a month.\n"
    token, tokens = PRICES[Item.TOKEN], HOURS / TOKEN_LIFE.to_hours()
    yield TOKENS.format(
        one=token.of(1), life=TOKEN_LIFE.to_hours(), tokens=tokens, month=token.of(tokens), million=token.of(1e6)
    )


def _subject(name: str) -> str:
    return {
        "bulk_both": "users of a roster, profiles kept in DynamoDB and results in S3",
        "bulk_texts": "the same, of attributes that are long texts alone: the dearest kind",
        "bulk_s3_only": "users of a roster, `keep_profiles` off: results in S3 only",
        "warm_hit": "requests for one profile that is fresh enough",
        "quota_poll": "looks at the quota, with the last hour and day",
        "lone_miss": "requests for one profile that is asked of MoEngage, each alone",
    }[name]


def _of_what(report: Report) -> Iterator[str]:
    yield "## Of what"
    yield ""
    yield f"| Dollars a million | {' | '.join(line.name for line in report.lines)} |"
    yield f"| --- |{' --- |' * len(report.lines)}"
    for item in Item:
        cells = [PRICES[item].of(line.usage.get(item, 0.0)) for line in report.lines]
        if any(cell >= SHOWN for cell in cells):
            yield f"| {item} | {' | '.join(f'{cell:.3f}' if cell else '' for cell in cells)} |"
    yield f"| **all** | {' | '.join(f'**{line.dollars:.3f}**' for line in report.lines)} |"
    yield ""
    for line in report.lines:
        unit = "a part of 100 users" if line.used else "a request"
        used = f"; {line.used:.1%} of the quota is used" if line.used else ""
        yield f"- {line.name}: {line.seconds:.3f} s of function for {unit} with {line.memory_mb} MB{used}"
    yield ""
    yield WAITING


def _fixed(report: Report) -> Iterator[str]:
    yield "## A month"
    yield ""
    yield "Counted in the synthesised template of `prod`; every minute's tick and the event sources' polling included."
    yield ""
    yield "| What | Number | Dollars |"
    yield "| --- | --- | --- |"
    for item, number in sorted(report.fixed.items(), key=lambda used: -PRICES[used[0]].of(used[1])):
        if number:
            shown = f"{number:,.0f}" if number >= 1 else f"{number:.3f}"
            yield f"| {item} | {shown} | {PRICES[item].of(number):.2f} |"
    yield ""
    yield NOT_IN_IT


def _console(report: Report) -> str:
    looks = CONSOLE_HOURS * 3600 // CONSOLE_SECONDS
    day, operator = (report.console_day(operator=one) for one in (False, True))
    return CONSOLE.format(hours=CONSOLE_HOURS, looks=looks, seconds=CONSOLE_SECONDS, day=day, operator=operator)


def with_erasures(page: str) -> str:
    """Return the page with what an erasure costs as the benchmark of erasures measured it last."""
    before, _, rest = page.partition("## Erasures")
    return f"{before}{_erasures()}\n## Assumed{rest.partition('## Assumed')[2]}"


def _erasures() -> str:
    """Take what an erasure costs from the page of its benchmark, which runs for longer than this one."""
    lines = [line for line in MEASURED.read_text().splitlines() if "|" in line]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    (minutes,) = [row[1:] for row in rows if row[0].startswith(MONTH_MINUTES)]
    (dollars,) = [row[1:] for row in rows if row[0].startswith(MONTH_DOLLARS)]
    return ERASURES.format(
        records=MONTH,
        sets=MONTH // HOUR,
        one_dollars=dollars[0],
        one_minutes=minutes[0],
        hundred_dollars=dollars[1],
        hundred_minutes=minutes[1],
    )


def _assumed() -> str:
    slow = ", ".join(f"{name[1]} {seconds * 1000:.0f} ms" for name, seconds in ROUND_TRIPS.items() if seconds)
    return ASSUMED.format(latency=LATENCY * 1000, slowness=SLOWNESS, round_trips=slow)


def _prices() -> Iterator[str]:
    yield WHERE_FROM
    yield "| What | Dollars | For | aws.amazon.com/… |"
    yield "| --- | --- | --- | --- |"
    for item, price in PRICES.items():
        yield f"| {item} | {price.dollars:.10f}".rstrip("0").rstrip(".") + f" | {price.per:,.0f} | {price.page} |"
