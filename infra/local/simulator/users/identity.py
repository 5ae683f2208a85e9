"""One person, two names: a customer id and MoEngage's own id, each computed from the other without a map.

An id is hexadecimal (24 digits for customer ids of up to 10 bytes, as MoEngage's own): two bytes of check sum, then the
customer id in UTF-8, masked so that neighbours do not look alike. Any other text may be asked for as an id too: the
person of the id X that no customer id leads to has the customer id `moe-X`. Every text of either type thus names
exactly one person, in every process.
"""

from __future__ import annotations

import hashlib

CHECK_BYTES = 2
SHORTEST = 10  # bytes of a customer id that make an id of 24 digits
PADDING = b"\xff"  # never a byte of UTF-8
ADOPTED = "moe-"


def id_of(customer_id: str) -> str:
    """Return the MoEngage id of the person with this customer id."""
    adopted = customer_id.removeprefix(ADOPTED)
    if adopted != customer_id and _decode(adopted) is None:
        return adopted
    return _encode(customer_id)


def customer_id_of(moengage_id: str) -> str:
    """Return the customer id of the person with this MoEngage id."""
    decoded = _decode(moengage_id)
    return ADOPTED + moengage_id if decoded is None else decoded


def _encode(customer_id: str) -> str:
    plain = customer_id.encode("utf-8", "surrogatepass").ljust(SHORTEST, PADDING)
    check = _check(plain)
    return (check + _mask(check, plain)).hex()


def _decode(moengage_id: str) -> str | None:
    try:
        raw = bytes.fromhex(moengage_id)
    except ValueError:
        return None
    check, masked = raw[:CHECK_BYTES], raw[CHECK_BYTES:]
    plain = _mask(check, masked)
    if _check(plain) != check:
        return None
    try:
        customer_id = plain.rstrip(PADDING).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return customer_id if _encode(customer_id) == moengage_id else None


def _check(plain: bytes) -> bytes:
    return hashlib.sha256(plain).digest()[:CHECK_BYTES]


def _mask(check: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_128(check).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))
