"""A webhook's address: a name that everybody can reach, over https at 443, and nothing that could be read otherwise."""

from __future__ import annotations

import pytest

from lookup.errors import InvalidInput
from lookup.webhook_settings import (
    SELECTABLE,
    EventType,
    Webhook,
    WebhookAddress,
    parse_url,
    parse_webhook,
)

URL = "https://hooks.example.com/moengage"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:acme-AbCdEf"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, ("hooks.example.com", "/moengage")),
        ("https://hooks.example.com", ("hooks.example.com", "/")),
        ("https://hooks.example.com:443/a?key=1%20b", ("hooks.example.com", "/a?key=1%20b")),
        ("https://hooks.example.com?x=1", ("hooks.example.com", "/?x=1")),
        ("https://xn--bcher-kva.example", ("xn--bcher-kva.example", "/")),
    ],
)
def test_an_address(url: str, address: tuple[str, str]) -> None:
    """Host and target are what the URL says; the port is 443 whether it says so or not."""
    assert parse_url(url) == WebhookAddress(*address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.example.com/",
        "HTTPS://hooks.example.com/",
        "//hooks.example.com/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com:0443/",
        "https://user@hooks.example.com/",
        "https://user:pw@hooks.example.com/",
        "https://hooks.example.com@169.254.169.254/",
        "https://hooks.example.com/#x",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\n",
        "https://hooks.example.com\\@10.0.0.1/",
        "https://hooks.example.com/%zz",
        "https://h%6fok.example.com/",
        "https://Hooks.example.com/",
        "https://hooks.example.com./",
        "https://hooks..example.com/",
        "https://-a.example.com/",
        "https://bücher.example/",
        "https://hooks/",
        "https://localhost/",
        "https://a.localhost/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://1.0.0.127.in-addr.arpa/",
        "https://10.0.0.1/",
        "https://8.8.8.8/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://a.0x7f/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 130}example.com/",
        f"https://hooks.example.com/{'a' * 500}",
    ],
)
def test_what_is_no_address(url: str) -> None:
    """Anything else is refused with its rule, which does not repeat the URL."""
    with pytest.raises(InvalidInput) as refused:
        parse_url(url)
    assert refused.value.field == "url"
    assert not url or url not in str(refused.value)


def test_a_webhook_as_a_stage_writes_it() -> None:
    """A webhook wants the events that it lists, and tests always."""
    webhook = parse_webhook({"url": URL, "events": ["results.ready"], "secret_id": ARN})
    assert webhook == Webhook(URL, (EventType.RESULTS_READY,), ARN)
    assert [one.value for one in EventType if webhook.is_for(one)] == ["results.ready", "webhook.test"]


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://10.0.0.1/"},
        {"url": None},
        {"events": []},
        {"events": "lookup.completed"},
        {"events": ["lookup.started"]},
        {"events": ["webhook.test"]},
        {"secret_id": ""},
        {"secret_id": None},
        {"secret": "whsec_abc"},
    ],
)
def test_a_broken_webhook_is_refused(changes: dict[str, object]) -> None:
    """A key that is missing, unknown or of another kind is refused."""
    with pytest.raises(InvalidInput, match=r"^(webhook|url)"):
        parse_webhook({"url": URL, "events": list(SELECTABLE), "secret_id": ARN} | changes)
