"""A partner's webhook: the address that its events are sent to, which events, and the secret that holds its keys.

The address is the operator's setting, never one of a request. What it may be is checked here, when a stage is
synthesised and when its parameter is read; which machines it may lead to, when it is called (`lookup.webhooks`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lookup.errors import InvalidInput

URL_LENGTH = 512
HOST_LENGTH = 253  # RFC 1035, 2.3.4, as text
KEYS = {"url", "events", "secret_id"}

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: then no host is an address, in any of the spellings that resolvers read.
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_URL = re.compile(r"https://([a-z0-9.-]+)(?::443)?((?:[/?](?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)")
# Names that lead nowhere outside: RFC 6761, 6762, 7686, 8375, 9476, and what networks call their insides.
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "alt", "onion", "test", "arpa", "corp")


class EventType(StrEnum):
    """What a webhook is called for."""

    LOOKUP_COMPLETED = "lookup.completed"
    RESULTS_READY = "results.ready"
    PROFILES_CHANGED = "profiles.changed"
    SCHEDULE_REFUSED = "schedule.refused"
    TEST = "webhook.test"


SELECTABLE = tuple(one.value for one in EventType if one is not EventType.TEST)  # a test goes to every webhook


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """The host of an https URL, whose port is 443, and what is requested of it: path and query."""

    host: str
    target: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """The webhook of one partner; `secret_id` is the ARN of the secret with its signing keys."""

    url: str
    events: tuple[EventType, ...]
    secret_id: str

    @property
    def address(self) -> WebhookAddress:
        """Where the URL leads."""
        return parse_url(self.url)

    def is_for(self, event: EventType) -> bool:
        """Return whether the partner wants this event."""
        return event is EventType.TEST or event in self.events


def webhook_id_of(partner: str, event: EventType, subject: str, occurred_at: str) -> str:
    """Return the id of a webhook by what it is about: the same however often that is published or delivered."""
    about = f"{partner}\n{event.value}\n{subject}\n{occurred_at}"
    return f"msg_{hashlib.sha256(about.encode()).hexdigest()[:32]}"


def parse_url(url: str) -> WebhookAddress:
    """Parse the URL of a webhook. Raise `InvalidInput` with the rule that it breaks, without the URL."""
    if len(url) > URL_LENGTH:
        raise InvalidInput("url", f"must have at most {URL_LENGTH} characters")
    parsed = _URL.fullmatch(url)
    if parsed is None:
        rule = "must be https:// and a host name in small letters, at port 443, without user, fragment or space"
        raise InvalidInput("url", rule)
    host, target = parsed.groups()
    if len(host) > HOST_LENGTH or _HOST.fullmatch(host) is None:
        raise InvalidInput("url", "must name a host by its full name in DNS, and not by an address")
    if host.rpartition(".")[2] in _INSIDE:
        raise InvalidInput("url", "must name a host that everybody can reach")
    return WebhookAddress(host, target if target.startswith("/") else f"/{target}")


def parse_webhook(written: object) -> Webhook:
    """Parse what a stage wrote of a partner. Raise `InvalidInput` naming the key."""
    if not isinstance(written, Mapping) or set(written) != KEYS:
        raise InvalidInput("webhook", f"must be an object of {', '.join(sorted(KEYS))}")
    url, events, secret_id = written["url"], written["events"], written["secret_id"]
    if not isinstance(url, str) or not isinstance(secret_id, str) or not secret_id:
        raise InvalidInput("webhook", "must have a text as url and as secret_id")
    if not isinstance(events, list) or not events or not set(events) <= set(SELECTABLE):
        raise InvalidInput("webhook.events", f"must be one or more of {', '.join(SELECTABLE)}")
    parse_url(url)
    return Webhook(url, tuple(map(EventType, events)), secret_id)
