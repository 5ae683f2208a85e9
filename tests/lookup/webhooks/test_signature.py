"""Signatures that the official library of Standard Webhooks accepts, with one key and with two."""

from __future__ import annotations

import base64
import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lookup.errors import Misconfigured
from lookup.webhooks.signature import parse_keys, signature_headers

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
GENERATED = "aB3" * 14 + "xy"  # letters and digits as Secrets Manager makes them: 44 characters, 33 bytes
BODY = b'{"type":"webhook.test","timestamp":"2026-11-29T02:00:00.000000Z","data":{}}'


def keys_of(**written: object) -> tuple[bytes, ...]:
    return parse_keys(json.dumps(written), setting="secret")


@pytest.mark.parametrize(
    ("written", "accepted", "signatures"),
    [
        ({"current": NEW}, [NEW], 1),
        ({"current": NEW, "previous": OLD}, [NEW, OLD], 2),
        ({"current": NEW, "previous": None}, [NEW], 1),
        ({"current": GENERATED}, [GENERATED, f"whsec_{GENERATED}"], 1),
    ],
)
def test_the_official_library_accepts(written: dict[str, object], accepted: list[str], signatures: int) -> None:
    """A receiver with any of the keys accepts the webhook; one with another key, or of another body, does not."""
    headers = signature_headers(keys_of(**written), webhook_id="msg_1", timestamp=int(time.time()), body=BODY)
    assert len(headers["webhook-signature"].split(" ")) == signatures
    for key in accepted:
        assert Webhook(key).verify(BODY, dict(headers))["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(accepted[0]).verify(BODY + b" ", dict(headers))


def test_the_signature_is_the_specification_s() -> None:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, as the official library computes it."""
    headers = signature_headers(keys_of(current=NEW), webhook_id="msg_1", timestamp=1_795_000_000, body=BODY)
    from datetime import UTC, datetime  # noqa: PLC0415 - of this comparison alone

    at = datetime.fromtimestamp(1_795_000_000, UTC)
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1795000000",
        "webhook-signature": Webhook(NEW).sign("msg_1", at, BODY.decode()),
    }


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("whsec_abc", "is not JSON"),
        ("[]", "must be a JSON object with current"),
        ("{}", "must be a JSON object with current"),
        ('{"previous": "x"}', "must be a JSON object with current"),
        ('{"current": "whsec_!!!!"}', "current: must be 24 to 64 bytes"),
        (json.dumps({"current": base64.b64encode(b"x" * 23).decode()}), "current: must be 24 to 64 bytes"),
        (json.dumps({"current": base64.b64encode(b"x" * 65).decode()}), "current: must be 24 to 64 bytes"),
        (json.dumps({"current": NEW, "previous": 7}), "previous: must be 24 to 64 bytes"),
    ],
)
def test_a_secret_that_is_none(text: str, rule: str) -> None:
    """What is no key is refused by name, without a word of it."""
    with pytest.raises(Misconfigured, match=rule) as refused:
        parse_keys(text, setting="secret")
    assert "whsec_a" not in str(refused.value).replace("whsec_", "", 1)
