"""Where rosters lie in the bucket: what partners upload, what came inline, and copies of what had to be converted."""

from __future__ import annotations

from lookup.errors import InvalidInput

ROSTERS = "rosters/"
INLINE = "rosters/inline/"
UNPACKED = "rosters/unpacked/"
# The tag of an upload, by which S3 deletes it when it is old, and the one it has while a schedule names it.
EXPIRING, KEPT = "retention=upload", "retention=schedule"


def key_of(partner: str, roster_id: str) -> str:
    """Return the key of a partner's roster; no partner can name another's. Raises `InvalidInput`."""
    if not roster_id.isalnum() or not roster_id.isascii():
        raise InvalidInput("roster_id", "is not an id that POST /v1/rosters gave")
    return f"{ROSTERS}{partner}/{roster_id}"


def inline_key(lookup_id: str) -> str:
    """Return the key of the roster that a lookup's inline identifiers become."""
    return f"{INLINE}{lookup_id}.ndjson"


def copies_of(key: str) -> str:
    """Return the prefix below which the converted copies of a roster lie."""
    return f"{UNPACKED}{key.removeprefix(ROSTERS)}/"


def copy_key(key: str, lookup_id: str) -> str:
    """Return the key of the copy that is made of a roster for a lookup."""
    return f"{copies_of(key)}{lookup_id}"


def uploaded_key(key: str) -> str:
    """Return the key of the roster that was uploaded, of it or of a copy of it."""
    if not key.startswith(UNPACKED):
        return key
    return ROSTERS + key.removeprefix(UNPACKED).rpartition("/")[0]
