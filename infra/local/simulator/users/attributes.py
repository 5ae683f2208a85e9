"""What a synthetic user looks like: attributes of realistic names, types and sizes, drawn from the customer id.

The same customer id and version give the same attributes in every process. A later version changes a few of them.
About 2 KB as JSON for most, some a good deal more, and over 400 KB for customer ids that start with `big-`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import simplejson
from simplejson import RawJSON

from infra.local.simulator.users.identity import ADOPTED, id_of

Attributes = Mapping[str, Any]

BIG_PREFIX = "big-"
BIG_ITEMS = 1600  # orders of a big user: about 480 KB
TEMPLATES = 512  # sets of custom attributes that users share
FIRST_SEEN_MS = 1_577_836_800_000  # 2020-01-01
YEAR_MS = 31_536_000_000
FIRST_NAMES = (
    "John",
    "Zoë",
    "Łukasz",
    "محمد",
    "さくら",
    "Ágnes",
    "O'Neil",
    "Nguyễn",
    "Chloé",
    "Priya",
    "李",
    "Anna-Lena",
)
LAST_NAMES = ("Doe", "Müller", "Ó Briain", "García", "Иванова", "田中", "Þórsdóttir", "Smith", "D'Souza", "Çelik")
CITIES = ("Berlin", "São Paulo", "東京", "Bengaluru", "Kraków", "Zürich", "القاهرة", "New York", "Malmö")
WORDS = (
    "gold",
    "trial",
    "🎉 vip",
    "newsletter",
    "winter sale",
    "app-only",
    "Größe M",
    "a/b % test",
    'say "hi"',
    "línea\nnueva",
)
GENDERS = ("male", "female", "other", None, "F")


def attributes_of(customer_id: str, version: int = 0) -> Attributes:
    """Return the attributes of the person with this customer id. Some are JSON text already."""
    if customer_id.removeprefix(ADOPTED).startswith(BIG_PREFIX):
        return _big(customer_id, version)
    return _usual(customer_id, version)


def share_of(*seed: str) -> float:
    """Return a number from 0 up to 1 that depends on the texts alone."""
    return int.from_bytes(_digest(*seed)[:8], "big") / 2**64


@lru_cache(maxsize=16)
def _big(customer_id: str, version: int) -> Attributes:
    draw = _random("big", customer_id)
    orders = [{**_order(draw), "note": draw.choice(WORDS) * draw.randint(8, 16)} for _ in range(BIG_ITEMS)]
    return {**_usual(customer_id, version), "order_history": RawJSON(simplejson.dumps(orders))}


def _usual(customer_id: str, version: int) -> dict[str, Any]:
    draw = _random("lasting", customer_id)
    custom = _custom(draw.randrange(TEMPLATES))
    return _standard(draw, customer_id) | custom | _changing(_random("changing", customer_id, str(version)), version)


@lru_cache(maxsize=TEMPLATES)
def _custom(template: int) -> dict[str, RawJSON]:
    """Return a set of custom attributes, as JSON text already: doing it for every user would slow the server down."""
    draw = _random("custom", str(template))
    names = draw.sample(sorted(CUSTOM), min(len(CUSTOM), 12 + int(draw.expovariate(0.1))))
    custom = {name: CUSTOM[name](draw) for name in names}
    if draw.random() < 0.1:  # noqa: PLR2004 - one in ten is much larger than the rest
        custom["order_history"] = [_order(draw) for _ in range(draw.randint(20, 120))]
    return {name: RawJSON(simplejson.dumps(value)) for name, value in custom.items()}


def _standard(draw: random.Random, customer_id: str) -> dict[str, Any]:
    first, last = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
    moengage_id = id_of(customer_id)
    return {
        "customer_id": customer_id,
        "id": moengage_id,
        "uid": customer_id,
        "name": f"{first} {last}",
        "u_n": f"{first} {last}",
        "u_fn": first,
        "u_ln": last,
        "u_em": f"user.{moengage_id[:12]}@example.com",
        "u_mb": f"+49{draw.randint(10**9, 10**10 - 1)}",
        "u_gd": draw.choice(GENDERS),
        "u_bd": _datetime(draw)[:10],
        "cr_t": FIRST_SEEN_MS + draw.randrange(3 * YEAR_MS),
        "moe_sub_w": draw.random() < 0.5,  # noqa: PLR2004 - a coin
        "moe_unsubscribe": draw.choice((True, False, None)),
        "moe_email_hard_bounce": False,
        "moe_geo": {"lat": round(draw.uniform(-90, 90), 6), "lon": round(draw.uniform(-180, 180), 6)},
    }


def _changing(draw: random.Random, version: int) -> dict[str, Any]:
    return {
        "u_l_a": FIRST_SEEN_MS + 3 * YEAR_MS + version * 86_400_000 + draw.randrange(86_400_000),
        "t_rev": round(draw.uniform(0, 5000), 2),
        "session_count": draw.randint(1, 40) + 40 * version,
        "last_city": draw.choice(CITIES),
    }


def _datetime(draw: random.Random) -> str:
    moment = datetime(1950, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw.randrange(75 * YEAR_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _order(draw: random.Random) -> dict[str, Any]:
    return {
        "order_id": f"O-{draw.randrange(10**9):09}",
        "total": round(draw.uniform(1, 900), 2),
        "placed": _datetime(draw),
        "items": [
            {"sku": f"SKU-{draw.randrange(10**5)}", "qty": draw.randint(1, 5)} for _ in range(draw.randint(1, 3))
        ],
        "gift": draw.choice((True, False, None)),
    }


def _mixed(draw: random.Random) -> Any:  # noqa: ANN401 - one attribute, another type from user to user
    return draw.choice((draw.randrange(10_000), str(draw.randrange(10_000)), None, draw.randrange(10_000) / 8))


def _words(draw: random.Random) -> list[str]:
    return draw.choices(WORDS, k=draw.randint(0, 6))


Maker = Callable[[random.Random], Any]
KINDS: Mapping[str, Maker] = {
    "count": lambda draw: draw.randrange(10**6),
    "flag": lambda draw: draw.choice((True, False, None)),
    "long_number": lambda draw: Decimal(draw.randrange(10**30)).scaleb(-draw.randint(8, 24)),
    "score": lambda draw: draw.random(),
    "at": _datetime,
    "tags": _words,
    "value": _mixed,
    "text": lambda draw: " ".join(draw.choices(WORDS, k=draw.randint(1, 20))),
    "city": lambda draw: draw.choice(CITIES),
    "details": lambda draw: {"level": draw.randint(1, 9), "labels": _words(draw), "last": _order(draw), "none": None},
}
TOPICS = ("loyalty", "cart", "favourite store", "preference", "app", "referral", "Größe")
CUSTOM: Mapping[str, Maker] = {f"{topic}_{kind}": maker for topic in TOPICS for kind, maker in KINDS.items()}


def _digest(*seed: str) -> bytes:
    return hashlib.sha256("\x00".join(seed).encode("utf-8", "surrogatepass")).digest()


def _random(*seed: str) -> random.Random:
    return random.Random(int.from_bytes(_digest(*seed), "big"))  # noqa: S311 - repeatable on purpose
