"""Faults on demand: which calls are struck, and what happens to them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Identifiers = Sequence[tuple[str, str]]

Drip = Literal["headers", "body"]
Body = Literal["json", "problem", "html", "empty", "truncated", "cut_off", "fail"]
Distortion = Literal[
    "unaccounted",  # the chosen users are in neither list
    "both_lists",  # the chosen users are in both lists
    "unasked",  # one user more than asked for
    "all_fields",  # attributes that were not asked for come too
    "not_a_number",  # a profile of the chosen users holds NaN
    "absurd_number",  # … a number with an exponent of six digits
    "no_attributes",  # … null instead of attributes
    "cut_profile",  # … ends in the middle, and the answer goes on
    "float_id",  # … has its customer id as a number with a point, if it is one
    "users_absent", "users_null", "users_not_found_absent", "users_not_found_null",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What fails, for which calls. The first fault of the list that matches a call decides about it.

    Which calls: those of `workspace_id` (None: all) that carry one of `identifiers` (None: all), each with the
    probability `share` (drawn from `seed`, so a run can be repeated), and of these the next `calls` (None: all).

    What: `delay` seconds more latency; `status` other than 200 with a body of kind `body`, whose error may say
    `error_type`, `error_attribute` and `error_message`; with HTTP 200 a spoilt body: `fail` (`status: fail`), `html`,
    `empty`, `truncated` (half of the JSON), `cut_off` (the connection ends before the promised length); `drop` (the
    connection ends without an answer); `distortions` of the two lists, for the named `identifiers` or else the first
    of the call; `headers` added to the answer.

    `drip`: headers and body, or the body alone, leave `drip_bytes` at a time, each `drip_pause` seconds after the last.
    `interim`: answers of these codes (1xx) come before the real one.

    `counted`: the call uses quota before it fails, and is refused with 429 if there is none. `name` is what the log of
    arrivals calls the fault.
    """

    status: int = 200
    share: float = 1.0
    calls: int | None = None
    delay: float = 0.0
    body: Body = "json"
    drop: bool = False
    counted: bool = True
    distortions: tuple[Distortion, ...] = ()
    error_type: str | None = None
    error_attribute: str | None = None
    error_message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: Drip | None = None
    drip_bytes: int = 8
    drip_pause: float = 0.6
    interim: tuple[int, ...] = ()
    workspace_id: str | None = None
    identifiers: tuple[str, ...] | None = None
    seed: int = 0
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Build from a JSON object. Raises TypeError for an unknown key."""
        named = data.get("identifiers")
        return cls(**{
            **data,
            "distortions": tuple(data.get("distortions", ())),
            "interim": tuple(data.get("interim", ())),
            "identifiers": None if named is None else tuple(named),
        })  # fmt: skip

    def chosen(self, identifiers: Identifiers) -> set[tuple[str, str]]:
        """Return the identifiers of a call that the distortions are about."""
        if self.identifiers is None:
            return set(identifiers[:1])
        return {pair for pair in identifiers if pair[1] in self.identifiers}


class FaultPlan:
    """The faults in force. The caller holds a lock."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        self._draws = [random.Random(fault.seed) for fault in self.faults]  # noqa: S311 - repeatable on purpose
        self.left = [fault.calls for fault in self.faults]

    def strike(self, workspace_id: str, identifiers: Identifiers) -> Fault | None:
        """Return the fault that this call meets, if any, and count it."""
        for number, fault in enumerate(self.faults):
            if self._strikes(number, workspace_id, identifiers):
                left = self.left[number]
                self.left[number] = None if left is None else left - 1
                return fault
        return None

    def _strikes(self, number: int, workspace_id: str, identifiers: Identifiers) -> bool:
        fault = self.faults[number]
        if self.left[number] == 0 or fault.workspace_id not in {None, workspace_id}:
            return False
        if fault.identifiers is not None and not fault.chosen(identifiers):
            return False
        return self._draws[number].random() < fault.share
