"""What botocore works out anew for every session and client, worked out once for a test process.

Every test has sessions of its own. The shapes of AWS's services, read from JSON, were half of what the whole suite
computed; the names of events, which handlers take keywords, a client's methods and the rules of endpoints were half of
what remains of making a client. All of them are the same for every session and nothing writes into them; what a test
registers stays on its session or client.
"""

from __future__ import annotations

from functools import lru_cache
from inspect import ismethod
from pathlib import Path
from typing import Any, ClassVar

import boto3
import botocore.client
import botocore.endpoint_provider
import botocore.hooks
import botocore.session
from botocore.client import ClientCreator
from botocore.endpoint_provider import RuleSet
from botocore.hooks import BaseEventHooks, EventAliaser
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.useragent import UserAgentString

RESOURCES = str(Path(boto3.__file__).parent / "data")


class KeptModels(Loader):
    """A loader for all sessions of this process; each of them adds boto3's own folder, which this one has already."""

    @property
    def search_paths(self) -> list[str]:
        return [*super().search_paths]


class KeptNames(EventAliaser):
    """The events of a session, whose present names are looked up among those that all sessions have asked for."""

    kept: ClassVar[dict[str, str]] = {}  # as many as there are kinds of events and operations that are used

    def __init__(self, event_emitter: BaseEventHooks, event_aliases: dict[str, str] | None = None) -> None:
        super().__init__(event_emitter, event_aliases)
        self._alias_name_cache = self.kept


class KeptMethods(ClientCreator):
    """Makes clients whose methods, which know no more than the names of their operations, are those of the first."""

    kept: ClassVar[dict[str, dict[str, Any]]] = {}

    def _create_methods(self, service_model: ServiceModel) -> dict[str, Any]:
        service = service_model.service_name
        if service not in self.kept:
            self.kept[service] = super()._create_methods(service_model)  # type: ignore[misc]  # not in the stubs
        return dict(self.kept[service])


class KeptRules:
    """Rules of endpoints, by the list that the loader keeps."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[object, RuleSet]] = {}  # with the list, so that its id is no other's

    def __call__(self, *, rules: list[Any], **others: Any) -> RuleSet:
        """Return the rules, as the class that this takes the place of."""
        if id(rules) not in self._kept:
            self._kept[id(rules)] = (rules, RuleSet(rules=rules, **others))
        return self._kept[id(rules)][1]


def _name_in_short() -> None:
    """Have clients without a name of their own send one that is not composed anew for every request, twice."""
    compose = UserAgentString.to_string

    def to_string(self: UserAgentString) -> str:
        config = self._client_config  # type: ignore[attr-defined]  # not in the stubs
        own = getattr(config, "_supplied_user_agent", getattr(config, "user_agent", None))
        return compose(self) if own else "tests"

    UserAgentString.to_string = to_string  # type: ignore[method-assign]  # as of the classes below


def make_sessions_quick() -> None:
    """Make all sessions from now on share what is the same for all; with AWS_DATA_PATH not the models."""
    _name_in_short()
    kept, create = KeptModels(extra_search_paths=[RESOURCES]), botocore.session.create_loader
    takes_keywords = lru_cache(maxsize=10_000)(botocore.hooks.accepts_kwargs)

    def loader(search_path_string: str | None = None) -> Loader:
        return kept if search_path_string is None else create(search_path_string)

    def accepts_kwargs(handler: Any) -> Any:
        return takes_keywords(handler.__func__ if ismethod(handler) else handler)

    botocore.session.create_loader = loader
    botocore.client.ClientCreator = KeptMethods  # type: ignore[misc]  # as below
    botocore.endpoint_provider.RuleSet = KeptRules()  # type: ignore[assignment,misc]  # as below
    botocore.session.EventAliaser = KeptNames  # type: ignore[assignment,misc]  # a subclass takes its place
    botocore.hooks.accepts_kwargs = accepts_kwargs  # type: ignore[assignment]  # the stub says another type
