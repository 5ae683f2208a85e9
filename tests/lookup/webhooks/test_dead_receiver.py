"""One dead receiver among ten, with real processes and TLS: the others get all that is theirs, and it costs little."""

from __future__ import annotations

import time

from lookup.ledger.webhooks import CALLS_AT_ONCE
from lookup.webhooks.retries import FAILURES_BEFORE_BACKOFF, FIRST_BACKOFF
from tests.lookup.stage import Stage
from tests.lookup.webhooks.fleet import DEAD, RECEIVERS, fleet, run, webhook_of
from tests.lookup.webhooks.receivers import Authority, sender_to
from tests.lookup.webhooks.world import World

EVENTS, WORKERS, CALL_SECONDS = 60, 3, 2.0


def test_one_dead_receiver_among_ten(stage: Stage, authority: Authority) -> None:
    """Nine receivers get each of their events, though the tenth hangs: it is called a few times, then it is paused."""
    with fleet(authority) as ten:
        ten.dies(DEAD)
        world = World(stage, sender_to(ten.port, authority.client))
        begun = time.monotonic()
        run(world, ten, authority, events=EVENTS, workers=WORKERS, max_seconds=CALL_SECONDS)
        for name in ten.receivers:
            if name != DEAD:
                assert len(ten.ids(name)) == EVENTS // RECEIVERS
                assert len(ten.came[name]) == EVENTS // RECEIVERS  # nobody died, so nothing came twice
        elapsed = time.monotonic() - begun
        calls = ten.came[DEAD]
        # Those under way before the first failure is known, one after another until it is paused, one for each pause.
        assert len(calls) <= CALLS_AT_ONCE + FAILURES_BEFORE_BACKOFF + elapsed / FIRST_BACKOFF
        at_once = [sum(0 <= other - one < 0.5 * CALL_SECONDS for other in calls) for one in calls]
        assert max(at_once) <= CALLS_AT_ONCE
        assert world.webhooks.receiver(DEAD, webhook_of(DEAD).url).failures >= 1
