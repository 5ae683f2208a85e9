"""The shapes of AWS's services, read once for all clients of a test process.

botocore reads a service's JSON anew in every session, and every test has sessions of its own: that was half of what
the whole suite computed. The models are the same and nothing writes into them; what a test registers on its clients or
its session stays there.
"""

from __future__ import annotations

from pathlib import Path

import boto3
import botocore.session
from botocore.loaders import Loader

RESOURCES = str(Path(boto3.__file__).parent / "data")


class KeptModels(Loader):
    """A loader for all sessions of this process; each of them adds boto3's own folder, which this one has already."""

    @property
    def search_paths(self) -> list[str]:
        return [*super().search_paths]


def keep_models() -> None:
    """Make all sessions from now on share one loader, unless AWS_DATA_PATH names models of the user's own."""
    kept, create = KeptModels(extra_search_paths=[RESOURCES]), botocore.session.create_loader

    def loader(search_path_string: str | None = None) -> Loader:
        return kept if search_path_string is None else create(search_path_string)

    botocore.session.create_loader = loader
