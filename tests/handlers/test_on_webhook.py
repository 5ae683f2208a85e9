"""The webhook queue's function: an event of a partner is a signed call, and what cannot be called waits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

import on_webhook
from lookup.webhook_settings import SELECTABLE
from tests.handlers.conftest import Grant, LambdaContext
from tests.lookup.stage import Stage
from tests.lookup.webhooks.receivers import HOST, Authority, Receiver, receiver, sender_to

Load = Callable[[str], dict[str, Any]]
KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
SECRET = "webhook/acme"


@pytest.fixture
def called(deployed: Stage, grant: Grant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The receiver of acme's webhook, in whose place nothing is called but loopback."""
    deployed.secretsmanager.create_secret(Name=SECRET, SecretString=json.dumps({"current": KEY}))
    grant(webhook={"url": f"https://{HOST}/moengage", "events": list(SELECTABLE), "secret_id": SECRET})
    authority = Authority.of(tmp_path_factory.mktemp("tls"), HOST)
    with receiver(authority) as one:
        on_webhook.services().sender = sender_to(one.port, authority.client)
        yield one


@pytest.mark.parametrize(
    ("path", "type_"), [("on_webhook/completed", "lookup.completed"), ("on_webhook/changes", "profiles.changed")]
)
def test_an_event_calls_its_partner(
    path: str, type_: str, called: Receiver, event: Load, context: LambdaContext
) -> None:
    """The message that a rule makes of an event is a webhook that the official library accepts."""
    assert on_webhook.handler(event(f"{path}.json"), context) == {"batchItemFailures": []}
    (got,) = called.received
    payload = Webhook(KEY).verify(got.body, got.headers)
    assert (payload["type"], payload["data"]["lookup_id"]) == (type_, "lookup-0b1c2d3e4f5061728394a5b6c7d8e9f0")
    assert got.headers["user-agent"] == "moengage-lookup/test"


def test_what_is_no_event_is_laid_aside(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A message that is no event goes to the dead-letter queue with a reason, and is done."""
    delivered = event("on_webhook/completed.json")
    delivered["Records"][0]["body"] = "[]"
    assert on_webhook.handler(delivered, context) == {"batchItemFailures": []}
    (laid,) = deployed.messages(deployed.settings.webhook_dead_letter_queue_url or "")
    reason = laid["MessageAttributes"]["reason"]["StringValue"]
    assert reason == "body: must be an event of this service that webhooks are for"


def test_what_is_not_taken_comes_again(called: Receiver, deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A webhook that its receiver does not take is given back, and hidden until its next attempt."""
    called.answer = lambda _: (503, {})
    deployed.sqs.send_message(QueueUrl=deployed.settings.webhook_queue_url or "", MessageBody="{}")
    (received,) = deployed.sqs.receive_message(QueueUrl=deployed.settings.webhook_queue_url or "")["Messages"]
    delivered = event("on_webhook/completed.json")
    record = delivered["Records"][0]
    record["receiptHandle"] = received["ReceiptHandle"]
    record["attributes"]["SentTimestamp"] = str(int(on_webhook.services().clock() * 1000))
    assert on_webhook.handler(delivered, context) == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert len(called.received) == 1


def test_production_calls_no_address_inside(
    called: Receiver, deployed: Stage, event: Load, context: LambdaContext
) -> None:
    """As it is deployed, the function's sender refuses a name that leads to loopback."""
    from lookup.webhooks.sender import Sender  # noqa: PLC0415 - of this test alone
    from tests.lookup.webhooks.receivers import resolving  # noqa: PLC0415 - as above

    del on_webhook.services().sender
    own = on_webhook.services().sender
    assert vars(own).keys() == vars(Sender("test")).keys()
    own._resolve = resolving("127.0.0.1")  # noqa: SLF001 - the name's addresses, nothing of what is checked
    delivered = event("on_webhook/completed.json")
    on_webhook.handler(delivered, context)
    (laid,) = deployed.messages(deployed.settings.webhook_dead_letter_queue_url or "")  # of an event of 2026
    assert laid["MessageAttributes"]["reason"]["StringValue"].startswith("address_not_allowed in 1")
    assert called.received == []
