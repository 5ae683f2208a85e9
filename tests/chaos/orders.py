"""What is requested in a run, and the outcome due to each entry: drawn from the seed, written without our parsers."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.simulator.users.attributes import BIG_PREFIX
from infra.local.simulator.users.identity import id_of
from tests.chaos.entries import (
    CUSTOMER,
    INVALID,
    MOENGAGE,
    Entry,
    Form,
    csv,
    inline,
    json_values,
    ndjson,
    packed,
    plain,
    shown,
)  # fmt: skip
from tests.chaos.plan import SMALL

JUNK = ("x", "null", "guest", "-1", "dummy_seller_code", "N" * 600)
FIELDS = ("u_fn", "u_em", "session_count")
KNOWN_AGAIN = 0.12  # of entries that are requested more than once
BIG_EVERY, BIG_FIRST = 4000, 7  # which identifiers are of users whose attributes no item can hold
ODD_PREFIX, ODD_EVERY, ODD_FIRST = "odd-", 300, 40  # which identifiers a firewall before MoEngage refuses
FAILING_PREFIX, FAILING_FIRST = "failing-", 190  # over which MoEngage fails, as many of them
ERASED_USERS = 24  # people who are erased, in a long run: the second search comes after minutes
CANARY_USERS = 12  # users whose attributes must be nowhere but in the results


@dataclass(frozen=True, slots=True)
class Message:
    """One intake message, sent `at`; `fields` as in its order.

    `entries` of None means that it cannot be read; `breaks` is the field whose rule it breaks then.
    """

    at: float
    body: str
    entries: tuple[Entry, ...] | None
    fields: tuple[str, ...] | None = None
    breaks: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A lookup over a list of identifiers, submitted `at` by `channel`: a roster's body, or identifiers sent inline.

    `key` is its Idempotency-Key, None for a partner who sends none.
    """

    at: float
    channel: str  # roster, inline, schedule
    name: str
    body: bytes
    entries: tuple[Entry, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An on-demand request; a single identifier by GET. `entries` are `requested` as outcomes show them."""

    at: float
    requested: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    single: bool
    key: str | None = None
    channel: str = "call"


@dataclass(frozen=True, slots=True)
class Orders:
    """All of a run. `canaries` are customer ids whose attributes must not leak, `refused` the firewall's.

    Over the `failing` MoEngage fails. The `erased` are erased while they are looked up.
    """

    token: str
    messages: tuple[Message, ...]
    listed: tuple[Listed, ...]
    calls: tuple[Call, ...]
    canaries: tuple[str, ...]
    refused: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()

    @property
    def identifiers(self) -> int:
        """How many identifiers are requested in all, junk and repetitions included."""
        return sum(len(one.entries or ()) for one in self.messages) + sum(len(one.entries) for one in self.requests)

    @property
    def requests(self) -> tuple[Listed | Call, ...]:
        """What is requested by HTTP or by a schedule."""
        return (*self.listed, *self.calls)


class Drawing:
    """Draws orders. Every identifier holds `token`, so that it can be searched for."""

    def __init__(self, seed: int, horizon: float) -> None:
        self._chance = random.Random(f"orders of {seed}")
        self._horizon = horizon
        self.token = f"u{self._chance.randrange(16**5):05x}"
        self._known: list[Entry] = []

    def orders(self, identifiers: int) -> Orders:
        """Divide identifiers: 3 tenths to the intake queue, 1 to on-demand requests, 6 to lists."""
        messages = self._messages(identifiers * 3 // 10)
        calls = self._calls(identifiers // 10)
        used = sum(len(one.entries or ()) for one in messages) + sum(len(one.entries) for one in calls)
        listed = self._lists(identifiers - used)
        names = [text for kind, text in self._known if kind == CUSTOMER and text.startswith(self.token)]
        odd = tuple(text for _, text in self._known if text.startswith(ODD_PREFIX))
        failing = tuple(text for _, text in self._known if text.startswith(FAILING_PREFIX))
        erased = self._erased(messages, calls, listed) if identifiers >= SMALL else ()
        return Orders(self.token, messages, listed, calls, tuple(names[:CANARY_USERS]), odd, failing, erased)

    def _erased(self, messages: Sequence[Message], calls: Sequence[Call], listed: Sequence[Listed]) -> tuple[str, ...]:
        """Choose who is erased: of people in messages and rosters those who are requested most often, and a big one.

        Nobody of whom a caller got an answer, or sent a list that is identified by its entries.
        """
        answered = {entry for call in calls for entry in call.entries}
        answered |= {entry for one in listed if one.channel == "inline" for entry in one.entries}
        times = Counter(entry for message in messages for entry in message.entries or ())
        times += Counter(entry for one in listed if one.channel != "inline" for entry in one.entries)
        names = [text for (kind, text), _ in times.most_common() if kind == CUSTOMER and (kind, text) not in answered]
        own = [one for one in names if one.startswith((self.token, "missing-", BIG_PREFIX)) and self.token in one]
        big = [one for one in own if one.startswith(BIG_PREFIX)]
        return tuple(dict.fromkeys([*big[:1], *own]))[:ERASED_USERS]

    def _entry(self) -> Entry:
        draw = self._chance.random()
        if self._known and draw < KNOWN_AGAIN:
            return self._chance.choice(self._known)
        if draw > 0.97:
            return INVALID, self._chance.choice(JUNK)
        name = f"{self.token}-{len(self._known):06}"
        name = f"{BIG_PREFIX}{name}" if len(self._known) % BIG_EVERY == BIG_FIRST else name
        name = f"missing-{name}" if self._chance.random() < 0.05 else name
        entry = (MOENGAGE, id_of(name)) if self._chance.random() < 0.1 else (CUSTOMER, name)
        if len(self._known) % ODD_EVERY == ODD_FIRST:
            entry = (CUSTOMER, f"{ODD_PREFIX}{self.token}-{len(self._known):06}")
        if len(self._known) % ODD_EVERY == FAILING_FIRST:
            entry = (CUSTOMER, f"{FAILING_PREFIX}{self.token}-{len(self._known):06}")
        self._known.append(entry)
        return entry

    def _entries(self, number: int) -> tuple[Entry, ...]:
        return tuple(self._entry() for _ in range(number))

    def _at(self, until: float = 0.85) -> float:
        return self._chance.uniform(0.0, until) * self._horizon

    def _messages(self, identifiers: int) -> tuple[Message, ...]:
        drawn: list[Message] = []
        left = identifiers
        while left > 0:
            size = min(left, self._chance.choice((1, 1, 2, 5, 10, 20, 40)))
            drawn.append(self._message(self._entries(size)))
            left -= size
        return (*drawn, *(Message(self._at(), body, None, breaks=field) for field, body in unreadable(self.token)))

    def _message(self, entries: tuple[Entry, ...]) -> Message:
        values = json_values(entries)
        if len(values) == 1 and isinstance(values[0], str) and self._chance.random() < 0.5:
            return Message(self._at(), values[0], shown(entries))
        if self._chance.random() < 0.5:
            return Message(self._at(), json.dumps(values), shown(entries))
        fields = FIELDS if self._chance.random() < 0.2 else None
        order = {"identifiers": values, "correlation_id": "chaos"} | ({"fields": list(fields)} if fields else {})
        return Message(self._at(), json.dumps(order), shown(entries), fields)

    def _calls(self, identifiers: int) -> tuple[Call, ...]:
        drawn: list[Call] = []
        left = identifiers
        while left > 0:
            size = min(left, self._chance.choice((1, 1, 3, 10, 30)))
            entries = self._entries(size)
            single = size == 1 and entries[0][0] != INVALID
            key = None if single else key_of("call", len(drawn))
            drawn.append(Call(self._at(), entries, shown(entries), single, key))
            left -= size
        return tuple(sorted(drawn, key=lambda one: one.at))

    def _lists(self, identifiers: int) -> tuple[Listed, ...]:
        """Cut what is left into one large list, one half as large, and small ones, by every channel in turn."""
        sizes = [identifiers // 3, identifiers // 6]
        while (left := identifiers - sum(sizes)) > 0:
            sizes.append(min(left, self._chance.randint(30, max(60, identifiers // 12))))
        forms: Sequence[tuple[str, Form]] = (
            ("roster", plain), ("schedule", csv), ("schedule", packed), ("inline", inline), ("roster", ndjson)
        )  # fmt: skip
        drawn = [self._list(number, size, *forms[number % len(forms)]) for number, size in enumerate(sizes)]
        return tuple(sorted(drawn, key=lambda one: one.at))

    def _list(self, number: int, size: int, channel: str, form: Form) -> Listed:
        entries = self._entries(size)
        body, listed = form(entries)
        key = None if channel == "schedule" else key_of("list", number)
        return Listed(self._at(0.6), channel, f"list{number:04}", body, shown(listed), key)


def key_of(kind: str, number: int) -> str | None:
    """Return a request's idempotency key; every seventh has none."""
    return f"{kind}-{number}" if number % 7 else None


def unreadable(token: str) -> tuple[tuple[str, str], ...]:
    """Write messages that no rule of the intake queue allows, each with the field in question; they hold a canary."""
    return (
        ("body", f'{{"identifiers": ["{canary_of_bodies(token)}"'),
        ("identifiers", f'{{"identifiers": [], "correlation_id": "{canary_of_bodies(token)}"}}'),
        ("workspace", f'{{"identifier": "{canary_of_bodies(token)}", "workspace": "elsewhere"}}'),
        ("max_age", f'{{"identifier": "{canary_of_bodies(token)}", "max_age": -1}}'),
        ("body", f'{{"identifier": "{canary_of_bodies(token)}", "surprise": 1}}'),
    )


def canary_of_bodies(token: str) -> str:
    """Return the text that must not leave the body of an unreadable message."""
    return f"CANARY-BODY-{token}"
