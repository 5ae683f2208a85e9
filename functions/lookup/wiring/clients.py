"""AWS clients that are made at their first use, and how they are configured."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any

from botocore.config import Config

WRITERS = 8  # profiles written at once
CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=WRITERS + 2,
)
# Presigned URLs need both: without the second they name S3's global address, which redirects while a bucket is new, and
# for ever in regions opened since 2019; the signature holds for one address only.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
_MAKING = RLock()  # a session is not thread-safe (boto3 guide, "Multithreading or multiprocessing with Session")


class _LazyClient:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        if "_client" not in vars(self):
            with _MAKING:
                if "_client" not in vars(self):
                    self._client = self._make()
        return getattr(self._client, name)


def lazy(make: Callable[[], Any]) -> Any:  # noqa: ANN401 - each service has a type of its own
    """Return a stand-in for the client that `make` creates, which is called at the first use, by one thread.

    Creating one costs a start tens of milliseconds, and a stored profile is served by two of the eight.
    """
    return _LazyClient(make)
