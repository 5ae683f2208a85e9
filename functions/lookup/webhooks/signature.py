"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, timestamp and body, with one key or two.

https://www.standardwebhooks.com, "Signature scheme" and "Webhook headers": keys are 24 to 64 random bytes, written in
base64 behind `whsec_`; signatures are `v1,<base64>`, one for each key, with spaces between them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from lookup import exact_json
from lookup.errors import Misconfigured

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a key
CURRENT, PREVIOUS = "current", "previous"  # keys of the secret; the second only while a key is being replaced


def parse_keys(text: str, *, setting: str) -> tuple[bytes, ...]:
    """Parse a secret `{"current", "previous"}`. Raise `Misconfigured` naming the key, without a value."""
    try:
        secret = exact_json.loads(text)
    except ValueError:
        raise Misconfigured(setting, "is not JSON") from None
    if not isinstance(secret, dict) or CURRENT not in secret:
        raise Misconfigured(setting, f"must be a JSON object with {CURRENT}")
    written = {name: secret[name] for name in (CURRENT, PREVIOUS) if secret.get(name) is not None}
    return tuple(_key(value, f"{setting}, {name}") for name, value in written.items())


def signature_headers(keys: Sequence[bytes], *, webhook_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the three headers of a webhook that is sent at `timestamp` (epoch seconds)."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def _key(written: object, setting: str) -> bytes:
    """Decode a key; the prefix may be missing, as it is of the key that the stack generates."""
    encoded = written.removeprefix(PREFIX) if isinstance(written, str) else ""
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise Misconfigured(setting, f"must be {SHORTEST} to {LONGEST} bytes in base64, behind {PREFIX}")
    return key
