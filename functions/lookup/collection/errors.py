"""Why results cannot be collected: nothing of them is published."""

from __future__ import annotations


class Unequal(Exception):
    """What an object holds is not what the ledger or a manifest says; names it."""


class Gone(Exception):
    """An object is not there any more; names it."""


class Superseded(Exception):
    """The lookup is not at this end any more, or somebody else took the claim."""
