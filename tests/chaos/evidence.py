"""What a run left behind, read from the stores themselves, the queues, the vendor's log and the processes' logs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.simulator.process import Arrival
from lookup import exact_json
from tests.chaos.collected_checks import Collected, collected_of
from tests.chaos.entries import ERASED, INVALID, Entry
from tests.chaos.environment import Environment
from tests.chaos.erasing import Erased, left_of
from tests.chaos.export_checks import Exported, exported_of
from tests.chaos.hour_evidence import Row, rows_of
from tests.chaos.ledger_evidence import Lookup, ledger, scan
from tests.lookup.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Record = Mapping[str, Any]  # of a result object
WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


@dataclass(frozen=True)
class Profile:
    """The stored profile of one identifier; `attributes` of None is a user that MoEngage does not know.

    `earlier` are the fields that only older fetches requested, by the times of those.
    """

    fetched_at: str
    attributes: Mapping[str, Any] | None
    fields: tuple[str, ...] | None
    earlier: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def requested(self) -> list[tuple[str, tuple[str, ...] | None]]:
        """Return the time of each fetch that is left of it, and the fields that no newer one requested."""
        return [(self.fetched_at, self.fields), *sorted(self.earlier.items(), reverse=True)]

    def fetches(self) -> Iterator[tuple[str, tuple[str, ...] | None, Mapping[str, Any] | None]]:
        """Return the same, and what each of them brought."""
        newer: set[str] = set()
        for at, fields in self.requested():
            own = {name for name in self.attributes or () if name not in newer and (fields is None or name in fields)}
            yield at, fields, self.attributes and {name: self.attributes[name] for name in own}
            newer.update(fields or ())


@dataclass(frozen=True)
class DeadLetter:
    """A message on a dead-letter queue."""

    intake: bool
    message_id: str
    reason: str
    attributes: str
    body: str = ""


@dataclass(frozen=True)
class Evidence:
    """All of it. `waiting` counts messages on the queues; `ended`, `changed` and `ready` are details of events.

    `inline` are the lists that came in requests, by roster key, junk left out.
    """

    lookups: Mapping[str, Lookup]
    objects: Mapping[str, Sequence[Record]]
    profiles: Mapping[Entry, Profile]
    inline: Mapping[str, Sequence[Entry]]
    dead_letters: Sequence[DeadLetter]
    waiting: int
    sent_users: int
    ended: Sequence[Mapping[str, Any]]
    changed: Sequence[Mapping[str, Any]]
    arrivals: Sequence[Arrival]
    texts: Callable[[], Iterator[tuple[str, str]]]
    collected: Mapping[str, Collected] = field(default_factory=dict)
    hours: Sequence[Row] = ()
    ready: Sequence[Mapping[str, Any]] | None = None
    exported: Mapping[tuple[str, str], Exported] = field(default_factory=dict)
    erased: Erased = field(default_factory=Erased)


def entry_of(record: Record) -> Entry:
    """Return the entry of an outcome."""
    if record["identifier"] is None:
        return ERASED
    kind = INVALID if record["outcome"] == INVALID else record["identifier_type"]
    return kind, record["identifier"]


def gathered(environment: Environment, folder: Path, erased: Sequence[str] = ()) -> Evidence:
    """Read everything; search it for who was `erased`."""
    stage = environment.stage
    events = [message["Body"] for message in stage.messages(environment.events_url)]
    aside = list(_dead_letters(stage))
    lookups, sent_users = ledger(stage)
    sources = [("event", one) for one in events] + [("dead letter", one.attributes) for one in aside]

    def texts() -> Iterator[tuple[str, str]]:
        yield from sources
        for path in sorted(folder.glob("*.log")):
            with path.open(errors="replace") as log:
                yield from ((path.name, line) for line in log)

    return Evidence(
        lookups=lookups,
        objects={key: records(stage, key) for key in stage.keys("parts/")},
        profiles=profiles(stage),
        inline={key: list(_inline(stage, key)) for key in stage.keys("rosters/inline/")},
        dead_letters=aside,
        waiting=waiting(stage),
        sent_users=sent_users,
        ended=_details(events, "Lookup Completed"),
        changed=_details(events, "Profiles Changed"),
        ready=_details(events, "Results Ready"),
        arrivals=environment.vendor.arrivals(),
        texts=texts,
        collected=_collected(stage),
        hours=rows_of(stage),
        exported=exported_of(stage, list(scan(stage, stage.settings.ledger_table_name))),
        erased=left_of(stage, erased),
    )


def _collected(stage: Stage) -> dict[str, Collected]:
    """Read what is published, by lookup."""
    items = [one for one in scan(stage, stage.settings.ledger_table_name) if one["sk"] == "results"]
    named = {one["pk"].partition("#")[2]: one for one in items}
    read = {name: collected_of(stage, name, one) for name, one in named.items()}
    return {name: one for name, one in read.items() if one is not None}


def _details(events: Sequence[str], kind: str) -> list[Mapping[str, Any]]:
    return [event["detail"] for event in map(json.loads, events) if event["detail-type"] == kind]


def records(stage: Stage, key: str) -> list[Record]:
    """Read a result object."""
    body = stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"].read()
    return [exact_json.loads(line) for line in gzip.decompress(body).splitlines()]  # type: ignore[misc]  # objects, as written


def _inline(stage: Stage, key: str) -> Iterator[Entry]:
    for line in stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"].read().splitlines():
        entry = json.loads(line)
        if "identifier" in entry:
            yield entry["identifier_type"], entry["identifier"]


def profiles(stage: Stage) -> dict[Entry, Profile]:
    """Read the table of profiles, attributes that do not fit from their objects."""
    return {
        (item["identifier_type"], item["identifier"]): _profile(stage, item)
        for item in scan(stage, stage.settings.profiles_table_name)
    }


def _profile(stage: Stage, item: Mapping[str, Any]) -> Profile:
    attributes = item.get("attributes")
    if "attributes_key" in item:
        body = stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=item["attributes_key"])["Body"].read()
        attributes = _beside(item, exact_json.loads(gzip.decompress(body)))  # type: ignore[arg-type]  # an object
    earlier = {at: None if names is None else tuple(names) for at, names in item.get("earlier", {}).items()}
    return Profile(item["fetched_at"], attributes, tuple(item["fields"]) if "fields" in item else None, earlier)


def _beside(item: Mapping[str, Any], in_object: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes of an item with an object: the object's, but for fields that were fetched after it."""
    until = item.get("attributes_key_until", item["fetched_at"])
    times = [(item["fetched_at"], item.get("fields")), *item.get("earlier", {}).items()]
    newer = {name for at, names in times if at > until for name in names or ()}
    return {**{name: one for name, one in in_object.items() if name not in newer}, **item.get("attributes", {})}


def _dead_letters(stage: Stage) -> Iterator[DeadLetter]:
    settings = stage.settings
    for url in (settings.intake_dead_letter_queue_url, settings.parts_dead_letter_queue_url):
        for message in stage.messages(url):
            yield DeadLetter(
                intake=url == settings.intake_dead_letter_queue_url,
                message_id=_attribute(message, "message_id"),
                reason=_attribute(message, "reason"),
                attributes=json.dumps(message.get("MessageAttributes", {}), default=str),
                body=message["Body"],
            )


def _attribute(message: MessageTypeDef, name: str) -> str:
    attributes: Mapping[str, Any] = message.get("MessageAttributes", {})
    return str(attributes.get(name, {}).get("StringValue", ""))


def waiting(stage: Stage) -> int:
    """Count the messages on the queues, whether they can be seen or not."""
    total = 0
    settings = stage.settings
    optional = settings.answers_queue_url or "", settings.results_queue_url or ""
    for url in (settings.intake_queue_url, settings.parts_queue_url, *optional):
        answer = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        attributes: Mapping[str, str] = {str(name): value for name, value in answer["Attributes"].items()}
        total += sum(int(attributes.get(name, 0)) for name in WAITING)
    return total
