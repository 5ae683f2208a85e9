"""The services of `on_request`: those of profiles at its start, those of all other routes when one is requested."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lookup.wiring.profiles import ProfileServices

if TYPE_CHECKING:
    from lookup.wiring.api import ApiServices


class RequestServices(ProfileServices):
    """The services of profiles, and the way to all others."""

    @cached_property
    def whole(self) -> ApiServices:
        from lookup.wiring.api import ApiServices  # noqa: PLC0415 - it loads what a request for a profile never uses

        return ApiServices.sharing(self)
