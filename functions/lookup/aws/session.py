"""AWS clients without boto3: its resources and transfers would cost each start 50 ms, and only clients are used.

`boto3.Session.client` calls the same `create_client` (boto3/session.py). What boto3 adds to S3's client (`upload_file`
and the like) is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from botocore import __version__
from botocore.config import Config
from botocore.session import Session

from lookup.aws.service_models import service_models

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.hooks import BaseEventHooks

# Botocore composes its own User-Agent anew for every request, twice, of what it knows of the host: 0.16 ms of CPU.
USER_AGENT = Config(user_agent=f"Botocore/{__version__} app/moengage-lookup")


class ClientSession(Protocol):
    """What is used of a session: boto3's fits too."""

    @property
    def events(self) -> Any:  # noqa: ANN401 - botocore's hooks, which its stubs and boto3's type differently
        """The hooks that all clients made from now on inherit."""

    def client(self, *args: Any, **settings: Any) -> Any:  # noqa: ANN401 - as below
        """Return a new client of a service."""

    def get_credentials(self) -> Any:  # noqa: ANN401 - as above
        """Return the credentials that clients sign with."""


class AwsSession:
    """Clients of one account and region, by the environment. Not thread-safe, as botocore's session is not."""

    def __init__(self) -> None:
        self._session = Session()
        self._session.register_component("data_loader", service_models())

    @property
    def events(self) -> BaseEventHooks:
        """The hooks that all clients made from now on inherit."""
        hooks: BaseEventHooks = self._session.get_component("event_emitter")
        return hooks

    def client(self, service: str, *, config: Config | None = None) -> Any:  # noqa: ANN401 - of the service's own type
        """Return a new client of one of `service_models.SERVICES`."""
        return self._session.create_client(service, config=config.merge(USER_AGENT) if config else USER_AGENT)

    def get_credentials(self) -> Credentials | None:
        """Return the credentials that clients sign with."""
        return self._session.get_credentials()
