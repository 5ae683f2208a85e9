"""For requests to the HTTP door: what the doors' own tests use."""

from __future__ import annotations

from tests.doors.conftest import deployed
from tests.lookup.conftest import stage

__all__ = ["deployed", "stage"]
