"""Keys of rosters in the bucket: uploads of partners, inline identifiers, and converted copies."""

from __future__ import annotations

from lookup.errors import InvalidInput

ROSTERS = "rosters/"
INLINE = "rosters/inline/"
UNPACKED = "rosters/unpacked/"
# The tag by which S3 deletes an old upload, and the tag while a schedule names it.
UPLOAD_TAG, SCHEDULE_TAG = "retention=upload", "retention=schedule"


def key_of(partner: str, roster_id: str) -> str:
    """Return the key of a partner's roster; a partner cannot name another's. Raises `InvalidInput`."""
    if not roster_id.isalnum() or not roster_id.isascii():
        raise InvalidInput("roster_id", "is not an id that POST /v1/rosters gave")
    return f"{ROSTERS}{partner}/{roster_id}"


def inline_key(lookup_id: str) -> str:
    """Return the key of the roster of a lookup's inline identifiers."""
    return f"{INLINE}{lookup_id}.ndjson"


def copies_of(key: str) -> str:
    """Return the prefix of the converted copies of a roster."""
    return f"{UNPACKED}{key.removeprefix(ROSTERS)}/"


def copy_key(key: str, lookup_id: str) -> str:
    """Return the key of a roster's converted copy for a lookup."""
    return f"{copies_of(key)}{lookup_id}"


def uploaded_key(key: str) -> str:
    """Return the key of the uploaded roster, by its own key or that of a copy."""
    if not key.startswith(UNPACKED):
        return key
    return ROSTERS + key.removeprefix(UNPACKED).rpartition("/")[0]
