"""The adversary: knows the API and this code, has one partner's token, and wants the others to have less.

Every move is one that the documents allow to be sent. What a move is drawn from is the seed; which order the moves of
several of its processes have is the machine's.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from tests.attack.caller import NO_ANSWER, Answer, Caller
from tests.attack.honest import HOUR, Honest, profile_path
from tests.attack.routes import OtherRoutes
from tests.attack.stage import FAILS_AT_THE_VENDOR, FORBIDDEN_BY_FIREWALL, SECRET

HANDS = 6  # threads: as many requests may be under way at once
REST = 0.15  # seconds between two moves of one process: some 20 requests a second, of the 50 that a stage admits
BLANK = b"\n" * (4 * 1024 * 1024)
BOMB = gzip.compress(b"\n" * (32 * 1024 * 1024))
KNOWN = 40  # own lookups that are remembered

Move = Callable[[random.Random], Answer | None]


@dataclass
class Adversary:
    """Moves of one partner, counted by name in `made`.

    `slowest` are seconds by move, `failures` answers with a 5xx, `leaked` moves whose answer held what is not its own.
    """

    caller: Caller
    victims: Sequence[Honest]
    made: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    leaked: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    rosters: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._others = OtherRoutes(self.caller, self.victims, lambda: self.lookups, self._no_success)

    @property
    def moves(self) -> Sequence[Move]:
        """Return every kind of move; the feeding and the gate are worth more tries than the rest."""
        often = [self.small_lookups, self.small_lookups, self.churn, self.churn, self.wait_in_the_lane, self.firewall]
        return [
            *often,
            self.blank_roster,
            self.bomb,
            self.junk_roster,
            self.slow_opening,
            self.retry_failures,
            self.many_schedules,
            self.others_lookups,
            self.others_rosters,
            self.more_than_granted,
            self.same_key,
            self.listings,
            self.strange_requests,
            self.forged_address,
            *self._others.moves,
        ]

    def run(self, seed: str, is_over: threading.Event) -> None:
        """Move until it is over."""
        chance = random.Random(seed)
        while not is_over.wait(REST):
            move = chance.choice(self.moves)
            answer = move(chance)
            self.made[move.__name__] += 1
            if answer is not None:
                self._note(move.__name__, answer)

    def small_lookups(self, chance: random.Random) -> Answer:
        """Submit a lookup of one to a hundred identifiers, to go before the others."""
        size = chance.choice((1, 2, 100))
        headers = {"Prefer": "respond-async"}
        answer = self.caller.call("POST", "/v1/lookups", {"identifiers": self._names(size)}, headers)
        self._remember(answer)
        return answer

    def churn(self, chance: random.Random) -> Answer | None:
        """Pause, resume or cancel a lookup, in the hope that its turn begins anew."""
        if not self.lookups:
            return None
        action = chance.choice(("pause", "resume", "resume", "cancel"))
        return self._change(chance.choice(self.lookups), action)

    def slow_opening(self, chance: random.Random) -> Answer | None:
        """Look up a roster whose first 64 KB are the worst case of format detection."""
        marks = chance.choice((b"=", b"-|", b'"', b'"a",', b"\\", b"[", b'{"a":', b"\r", b"\xef\xbb\xbf"))
        return self._roster(b"C-1\n" + marks * (64 * 1024 // len(marks)) + b"x\n")

    def retry_failures(self, chance: random.Random) -> Answer | None:
        """Retry what failed, which may cost no users of the day."""
        return self._change(chance.choice(self.lookups), "retry_failed") if self.lookups else None

    def wait_in_the_lane(self, chance: random.Random) -> Answer:
        """Request users on demand, waiting as long as that is allowed."""
        headers = {"Prefer": "wait=20"}
        return self.caller.call(
            "POST", "/v1/lookups", {"identifiers": self._names(chance.choice((1, 20, 100)))}, headers
        )

    def firewall(self, chance: random.Random) -> Answer:
        """Request an identifier that a firewall before the vendor refuses, or over which the vendor fails."""
        names = [chance.choice((*FORBIDDEN_BY_FIREWALL, *FAILS_AT_THE_VENDOR)), *self._names(chance.choice((0, 3, 19)))]
        return self.caller.call("POST", "/v1/lookups", {"identifiers": names})

    def blank_roster(self, _: random.Random) -> Answer | None:
        """Look up a roster of one identifier and megabytes of blank lines."""
        return self._roster(self._names(1)[0].encode() + b"\n" + BLANK)

    def bomb(self, _: random.Random) -> Answer | None:
        """Look up a small gzip file that unpacks to much."""
        return self._roster(BOMB)

    def junk_roster(self, chance: random.Random) -> Answer | None:
        """Look up a roster that holds unusable values only."""
        return self._roster(b"C-1\n" + b"unknown\n" * chance.choice((1000, 20_000)))

    def many_schedules(self, chance: random.Random) -> Answer | None:
        """Create schedules that fire every minute."""
        if not self.rosters:
            return None
        body = {"roster_id": chance.choice(self.rosters), "expression": "rate(1 minute)", "time_zone": "UTC"}
        return self.caller.call("PUT", f"/v1/schedules/s{chance.randrange(200)}", body)

    def others_lookups(self, chance: random.Random) -> Answer:
        """Read or control another partner's lookup."""
        lookup_id = chance.choice(self.victims).lookup_id
        method, path, body = chance.choice([
            ("GET", f"/v1/lookups/{lookup_id}", None),
            ("GET", f"/v1/lookups/{lookup_id}/results", None),
            ("PATCH", f"/v1/lookups/{lookup_id}", {"action": "cancel"}),
            ("PATCH", f"/v1/lookups/{lookup_id}", {"action": "pause"}),
        ])  # fmt: skip
        return self._no_success("others_lookups", self.caller.call(method, path, body))

    def others_rosters(self, chance: random.Random) -> Answer:
        """Use or remove another partner's roster."""
        roster_id = chance.choice(self.victims).roster_id
        if chance.random() < 0.5:
            return self._no_success("others_rosters", self.caller.call("DELETE", f"/v1/rosters/{roster_id}"))
        return self._no_success("others_rosters", self.caller.call("POST", "/v1/lookups", {"roster_id": roster_id}))

    def more_than_granted(self, chance: random.Random) -> Answer:
        """Request a field or a workspace that is not granted, also of what is stored already."""
        field_name = chance.choice(("secret_note", "u_em", "city,secret_note", "Secret_Note", "secret_note "))
        path = profile_path("stored-1", max_age=HOUR, fields=field_name)
        if chance.random() < 0.3:
            path = profile_path("stored-1", max_age=HOUR, workspace="other")
        return self.caller.call("GET", path)

    def same_key(self, chance: random.Random) -> Answer:
        """Send the Idempotency-Key that another partner uses."""
        headers = {"Idempotency-Key": f"nightly-{chance.randrange(3)}", "Prefer": "respond-async"}
        answer = self.caller.call("POST", "/v1/lookups", {"identifiers": self._names(1)}, headers)
        self._remember(answer)
        return answer

    def listings(self, chance: random.Random) -> Answer:
        """Read all lists."""
        return self.caller.call("GET", chance.choice(("/v1/quota", "/v1/lookups?limit=100", "/v1/schedules?limit=100")))

    def strange_requests(self, chance: random.Random) -> Answer:
        """Send what no client sends."""
        body = chance.choice((
            b"[" * 50_000,
            b'{"identifiers": ["a"], "identifiers": ["b"]}',
            json.dumps({"identifiers": [{"identifier": "x" * 200_000}]}).encode(),
            b'{"identifiers": [1e999999]}',
            b"\xff\xfe\x00",
            b"null",
            json.dumps({"identifiers": ["x"], "max_age": 10**400}).encode(),
        ))  # fmt: skip
        return self.caller.call("POST", "/v1/lookups", body)

    def forged_address(self, _: random.Random) -> Answer:
        """Claim to come from an address of the vendor's choice, and from many."""
        headers = {"X-Forwarded-For": "10.0.0.1, " * 50, "X-Amzn-Trace-Id": "Root=1-0-0;Lineage=1:0:255"}
        return self.caller.call("GET", profile_path(self._names(1)[0]), None, headers)

    def _names(self, count: int) -> list[str]:
        return [f"attacker-{next(self._numbers):08}" for _ in range(count)]

    def _roster(self, body: bytes) -> Answer | None:
        roster_id = self.caller.upload(body)
        if roster_id is not None:
            self.rosters.append(roster_id)
        elif self.rosters:  # as many uploads are open as may be: look an earlier one up again
            roster_id = self.rosters[-1]
        else:
            return None
        answer = self.caller.call("POST", "/v1/lookups", {"roster_id": roster_id})
        self._remember(answer)
        return answer

    def _change(self, lookup_id: str, action: str) -> Answer:
        return self.caller.call("PATCH", f"/v1/lookups/{quote(lookup_id)}", {"action": action})

    def _remember(self, answer: Answer) -> None:
        lookup_id = answer.json().get("lookup_id")
        if lookup_id:
            self.lookups = [*self.lookups[-KNOWN:], str(lookup_id)]

    def _no_success(self, move: str, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            self.leaked.append(move)
        return answer

    def _note(self, move: str, answer: Answer) -> None:
        self.slowest[move] = max(answer.seconds, self.slowest.get(move, 0.0))
        if answer.status == NO_ANSWER or answer.status >= 500:
            self.failures[f"{move} {answer.status}"] += 1
        self._look_for_leaks(move, answer)

    def _look_for_leaks(self, move: str, answer: Answer) -> None:
        marks = [SECRET, *(mark for victim in self.victims for mark in (victim.lookup_id, victim.roster_id))]
        if 200 <= answer.status < 300 and any(mark and mark.encode() in answer.body for mark in marks):
            self.leaked.append(move)
