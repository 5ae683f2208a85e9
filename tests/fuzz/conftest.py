"""For the fuzzed handlers: the fixtures of their own tests."""

from __future__ import annotations

from tests.handlers.conftest import context, deployed, event
from tests.lookup.conftest import stage

__all__ = ["context", "deployed", "event", "stage"]
