"""Attributes of a usual size for what is counted: as the simulated MoEngage draws them, and the texts they replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import count, islice
from zlib import crc32

import simplejson

from infra.local.simulator.users.attributes import attributes_of
from infra.local.simulator.users.identity import id_of
from lookup import exact_json
from lookup.model import Json

AttributesOf = Callable[[str], Mapping[str, Json]]  # of a user, by name
PROFILE_BYTES = 2048  # of a profile's attributes as JSON
DRAWN = 64  # different profiles
LEAST, MOST = 20, 100  # bytes that a drawn profile lacks, filled by a text
FILLER = "note"
WORDS = "last seen in the winter sale, asked for a smaller size and a callback in the afternoon; "


def profile(name: str) -> Mapping[str, Json]:
    """Return attributes of one user that are `PROFILE_BYTES` as JSON in UTF-8, the same for the same name."""
    drawn = _drawn()[crc32(name.encode()) % DRAWN] | {"customer_id": name, "uid": name, "id": id_of(name)}
    return drawn | {FILLER: (WORDS * 2)[: PROFILE_BYTES - _size(drawn | {FILLER: ""})]}


def texts(name: str) -> Mapping[str, Json]:
    """Return attributes of `PROFILE_BYTES` that are long texts and nothing else: the dearest kind as a map."""
    attributes: dict[str, Json] = {"customer_id": name}
    attributes |= {f"custom_attribute_{number:02}": "a value of some length, as they are" for number in range(29)}
    return attributes | {"rest": "x" * (PROFILE_BYTES - _size(attributes | {"rest": ""}))}


@cache
def _drawn() -> list[dict[str, Json]]:
    """Draw synthetic users (names, addresses, times, numbers, flags, lists and maps; 1 to 20 KB) of about this size.

    So the kinds and the lengths of attributes are those of users of this size; little is added, nothing cut.
    """
    return list(islice(_of_about_this_size(), DRAWN))


def _of_about_this_size() -> Iterator[dict[str, Json]]:
    for number in count(1_000_000):
        drawn = exact_json.loads(simplejson.dumps(attributes_of(f"customer-{number}")))
        assert isinstance(drawn, dict)
        if LEAST <= PROFILE_BYTES - _size(drawn | {FILLER: ""}) <= MOST:
            yield drawn


def _size(attributes: Mapping[str, Json]) -> int:
    return len(exact_json.dumps(attributes))
