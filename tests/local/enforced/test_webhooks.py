"""Webhooks where IAM is enforced: the deployed function serves its queue; its role allows what sending takes."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from standardwebhooks.webhooks import Webhook

from lookup.bulk.queues import Delivery
from lookup.partners import Partners
from lookup.webhook_settings import SELECTABLE
from lookup.webhooks.sender import Sender
from lookup.wiring.webhooks import WebhookServices
from tests.local.enforced.conftest import Enforced
from tests.lookup.webhooks.receivers import HOST, Authority, receiver, sender_to
from tests.lookup.webhooks.world import completed
from tests.sqs_records import sqs_record
from tests.waiting import until

KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


def test_the_deployed_function_serves_its_queue(enforced: Enforced) -> None:
    """What is no event comes to the dead-letter queue, by the function's own role."""
    sqs, outputs = enforced.stage.clients.sqs, enforced.stage.outputs
    sqs.send_message(QueueUrl=outputs["WebhookQueueUrl"], MessageBody="{}")
    until(lambda: sum(enforced.depth("WebhookDeadLetterQueueUrl")) or None)
    (dead,) = sqs.receive_message(QueueUrl=outputs["WebhookDeadLetterQueueUrl"], MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert dead["MessageAttributes"]["reason"]["StringValue"].startswith("body: must be an event of this service")


class Services(WebhookServices):
    """The services of `on_webhook` with its role's credentials; the stage has no webhook, so no key of its own."""

    def __init__(self, enforced: Enforced, session: boto3.Session, sender: Sender) -> None:
        functions = enforced.client("lambda")
        name = enforced.stage.outputs["OnWebhookFunctionName"]
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        from lookup.settings import Settings  # noqa: PLC0415 - of this class alone

        super().__init__(Settings.from_environment(variables), time.time, time.sleep)
        make: Callable[[str], Any] = lambda service: enforced.client(service, session)  # noqa: E731 - short
        self.dynamodb, self.sqs, self.ssm = make("dynamodb"), make("sqs"), make("ssm")
        self.secretsmanager = enforced.client("secretsmanager")
        self.sender = sender


def test_the_role_allows_a_call(enforced: Enforced, tmp_path: Path) -> None:
    """Slot, record and dead letter, with the role's credentials: one is sent, one comes again, one is given up."""
    enforced.client("secretsmanager").create_secret(Name="hook", SecretString=json.dumps({"current": KEY}))
    authority = Authority.of(tmp_path, HOST)
    with receiver(authority) as listening:
        services = Services(enforced, enforced.assume("OnWebhookRole"), sender_to(listening.port, authority.client))
        webhook = {"url": f"https://{HOST}/", "events": list(SELECTABLE), "secret_id": "hook"}
        enforced.client("ssm").put_parameter(
            Name="/hook/partners", Value=json.dumps({"c": {"name": "acme", "webhook": webhook}}), Type="String"
        )
        admin = Partners(enforced.client("ssm"), "/hook/partners", time.time)
        services.webhook_worker._partner_named = admin.by_name  # noqa: SLF001 - whose partner has a webhook
        answers = iter([204, 503, 410])
        listening.answer = lambda _: (next(answers), {})
        results = [services.webhook_worker.serve([delivery(enforced, number)]) for number in range(3)]
    assert [bool(failed) for failed in results] == [False, True, False]
    assert Webhook(KEY).verify(listening.received[0].body, listening.received[0].headers)["type"] == "lookup.completed"


def delivery(enforced: Enforced, number: int) -> Delivery:
    """Put an event on a queue that nobody serves, and receive it: the deployed function would take it first."""
    sqs, outputs = enforced.stage.clients.sqs, enforced.stage.outputs
    url = outputs["WebhookDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=completed(number, at=time.time()))
    (message,) = until(lambda: sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"]).get("Messages"))
    return Delivery.of(sqs_record(message, "webhooks"))
