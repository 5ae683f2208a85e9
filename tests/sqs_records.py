"""SQS messages as records of Lambda's event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

ACCOUNT_ARN = "arn:aws:sqs:eu-central-1:123456789012:"


def sqs_record(message: MessageTypeDef, queue: str) -> dict[str, Any]:
    """Return the record of a message that was received with all its attributes from the queue of that name."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSourceARN": f"{ACCOUNT_ARN}{queue}",
    }
