"""What the console must know of its stage: one SSM parameter, read once a minute by whoever needs it.

    {"sign_in": {"client_id", "authorize_url", "token_url", "logout_url", "scopes", "groups_claim"} or null,
     "queues": {"<name>": {"queue": "<URL>", "dead_letters": "<URL>"}}}

A queue without `queue` has dead letters that nothing sends back. A parameter, because the environment of a function has
4 KB and partners' requests need none of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lookup.api.callers.auth import PeopleClient
from lookup.errors import Misconfigured
from lookup.model import Clock
from lookup.partners import CACHED_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class SignIn:
    """The public client of the console at the issuer of tokens. URLs may be paths of the service's own origin."""

    client_id: str
    authorize_url: str
    token_url: str
    logout_url: str | None
    scopes: tuple[str, ...]
    groups_claim: str

    def to_json(self) -> dict[str, object]:
        """Write what the page needs: nothing of it is secret."""
        return {
            "client_id": self.client_id,
            "authorize_url": self.authorize_url,
            "token_url": self.token_url,
            "logout_url": self.logout_url,
            "scopes": list(self.scopes),
        }


@dataclass(frozen=True, slots=True)
class WatchedQueue:
    """A queue's URL, None for what nothing sends back, and that of its dead letters."""

    dead_letters: str
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class ConsoleFacts:
    """What the parameter holds. Without `sign_in` nobody can sign in."""

    sign_in: SignIn | None = None
    queues: Mapping[str, WatchedQueue] = field(default_factory=dict)

    def people(self) -> PeopleClient | None:
        """Return the client by which people sign in, if they can."""
        return None if self.sign_in is None else PeopleClient(self.sign_in.client_id, self.sign_in.groups_claim)


class ConsoleParameter:
    """The parameter of one stage."""

    def __init__(self, client: SSMClient, name: str, clock: Clock) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._read_at = float("-inf")
        self._facts = ConsoleFacts()

    def facts(self) -> ConsoleFacts:
        """Return what it holds, a minute old at most; nothing when there is none. Raises `Misconfigured`."""
        if self._clock() - self._read_at >= CACHED_SECONDS:
            self._facts = self._read()
            self._read_at = self._clock()
        return self._facts

    def _read(self) -> ConsoleFacts:
        try:
            read = json.loads(self._client.get_parameter(Name=self._name)["Parameter"]["Value"])
            return ConsoleFacts(_sign_in(read.get("sign_in")), _queues(read.get("queues", {})))
        except self._client.exceptions.ParameterNotFound:
            return ConsoleFacts()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Misconfigured("console", f"parameter {self._name} is unreadable ({type(error).__name__})") from None


def _sign_in(read: Mapping[str, Any] | None) -> SignIn | None:
    return None if read is None else SignIn(**{**read, "scopes": tuple(read["scopes"])})


def _queues(read: Mapping[str, Any]) -> dict[str, WatchedQueue]:
    return {name: WatchedQueue(**urls) for name, urls in read.items()}
