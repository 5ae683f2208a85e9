"""The receiver of the partners' page: what it accepts, refuses, and does once."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lookup.webhooks.signature import signature_headers

PAGE = Path(__file__).parents[3] / "docs" / "partners.md"
KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
BODY = b'{"type":"webhook.test","timestamp":"2026-11-29T02:00:00.000000Z","data":{"links":{}}}'


@pytest.fixture
def receive() -> Callable[..., int]:
    """The function as it is printed."""
    (block,) = re.findall(r"```python\n(from standardwebhooks.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - the page's own code
    found: Callable[..., int] = names["receive"]
    return found


def test_the_receiver_of_the_partners_page(receive: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """It takes what is signed, acts once for each id, and refuses another key's or an old webhook."""
    now = int(time.time())
    headers = dict(signature_headers([b"o" * 32, b"k" * 32], webhook_id="msg_1", timestamp=now, body=BODY))
    assert (receive(headers, BODY, KEY), receive(headers, BODY, KEY)) == (204, 204)
    assert capsys.readouterr().out == "webhook.test {}\n"
    other = dict(signature_headers([b"o" * 32], webhook_id="msg_2", timestamp=now, body=BODY))
    old = dict(signature_headers([b"k" * 32], webhook_id="msg_3", timestamp=now - 3600, body=BODY))
    assert (receive(other, BODY, KEY), receive(old, BODY, KEY)) == (401, 401)
