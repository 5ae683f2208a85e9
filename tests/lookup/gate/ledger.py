"""The ledger's table, as much of it as the gate needs."""

from __future__ import annotations

import boto3

LEDGER = "ledger"


def create_ledger(session: boto3.Session) -> None:
    session.client("dynamodb").create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
