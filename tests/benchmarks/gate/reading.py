"""How to read the page, beside the figures that it explains."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks.gate.rounds import Size

UNSCALED = """\
Time is not scaled: 1,000 users in 60 seconds, at least {windows:g} minutes measured of each kind,
in whole rounds of 60.5 s, after four minutes in which all processes measure the time as they do in production.
"""
SCALED = """\
Time runs {factor:g} times as fast: 1,000 users in {window:g} seconds, and the vendor's latency, the guard, the pace and
all other spans are divided by {factor:g} too; at least {windows:g} windows are measured of each kind,
in whole rounds. **All waits on this page
are quota time**: real time times {factor:g}, as if the minute had 60 seconds. The machine does not run faster, so its
own share (DynamoDB requests, scheduling) looks {factor:g} times as large as it is beside a real minute, and a
contender that needs many DynamoDB requests for a payload is slowed by it. `make bench-gate SCALE=1` measures without
scaling and writes [gate-unscaled.md](gate-unscaled.md).
"""
SHIPPED_GUARD = """\
All settings of the quota are
those that are shipped."""
SCALED_GUARD = """\
All
processes of one machine read one clock, so the guard's share for clock skew serves as send spread; the guard itself is
as wide as in production. In time that runs so fast no process can measure the time, which saves a part of the guard
([decision 41](../decisions/0041-measured-clocks.md))."""
TEXT = """\
## How to read it

{time}
Every contender gets the same: eight processes with endless bulk work in payloads of 20, then beside them on-demand
callers of one user each, at random moments, two a quota second, from four more processes with a thread per call. The
vendor is the simulator with a strict sliding window, over real HTTP; DynamoDB is the embedded engine. All use the same
client and, after a 429, the same back-off (full jitter, from one quota second to at most 30, without a reset header).

- **quota used**: users that the vendor accepted, counted in its own log by arrival, out of those that the limit
  allows in the measured windows. A contender that keeps to the limit cannot have more than 100 %. The spans are whole
  rounds of this gate, of a little over a minute: who spends each minute in one burst shows 97.6 % when the last, cut
  minute has none. Read that as all of the quota.
- **vendor refusals**: calls answered with 429 in the measured windows; *before and between* counts the warm-up, where
  a token bucket spends its first burst, and the time around the measured windows.
- **wait for quota**: what a caller decided to wait, plus what refused calls cost it, until the call that was accepted
  left. *Gate requests* are DynamoDB round trips; *the machine's scheduling* is the rest: late wake-ups, threads and
  processes on few cores. Each row of a split has its own order, so p99 of the parts need not add up.
- **never served**: callers without an answer when the run ended. They count with the time they had waited by then.
- **DynamoDB requests per payload**: counted at the client, retries included, with bulk alone, refused ones included.
- **lone job**: 1,000 bulk users on an idle quota over eight workers, until the last answer has come. What it is held
  to is the gate's own arithmetic (quota, pace, and where in a slot bulk tries on average) for a caller that loses no
  time of its own, and 5 % for handing over from call to call.
- **burst**: 200 on-demand callers at one moment while bulk saturates the quota and the other on-demand traffic goes
  on. It is not scaled: ten times as fast it would measure how many requests a few cores can answer at one moment.
  `burst_200_wait_ms` is their wait for quota; what is held to 30 s is their whole wait.

This gate has the machine to itself; its peers are measured {at_once} at once, each with a vendor of its own. {guard}

The peers, as configured: *pyrate-limiter* keeps an exact moving window per process, once with the whole quota for each
and once with a fifth; *zae-limiter* keeps one token bucket in DynamoDB, once with a capacity of the whole limit and the
quota's rate, once with a capacity of 40 and a refill so much lower that it never lets through more than the limit.
Waits that it returns are stretched by up to a fifth at random; its rejection cache is scaled with the time.
"""


def how_to_read(size: Size) -> Iterable[str]:
    """Return the last part of the page, line by line."""
    window = 60 / size.factor
    is_real = size.factor == 1
    time = (UNSCALED if is_real else SCALED).format(factor=size.factor, window=window, windows=size.windows)
    guard = SHIPPED_GUARD if is_real else SCALED_GUARD
    yield from TEXT.format(time=time, at_once=size.peers_at_once, guard=guard).splitlines()
    yield ""
