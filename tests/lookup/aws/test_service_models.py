"""Clients without boto3 call the same addresses, signed the same way, as boto3's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from infra.commands.bundle import SERVICES as BUNDLED
from lookup.aws.service_models import SERVICES, ServiceModels
from lookup.aws.session import AwsSession
from lookup.wiring.clients import S3_CONFIG

# One region of each partition that a stage can be in, and the first of all, where S3's addresses are special.
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1")
VARIANTS: tuple[dict[str, Any], ...] = ({}, {"use_fips_endpoint": True}, {"use_dualstack_endpoint": True})
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}),
    "events": ("put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "b"}]}),
    "s3": ("get_object", {"Bucket": "bucket", "Key": "key"}),
    "scheduler": ("get_schedule", {"Name": "n"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
    "sqs": ("get_queue_url", {"QueueName": "q"}),
    "ssm": ("get_parameter", {"Name": "/p"}),
    "sts": ("get_caller_identity", {}),
}


class Sent(Exception):
    """A request as it would leave."""


def _stop(*, request: AWSPreparedRequest, **_: Any) -> None:
    signed = re.search(r"Credential=key/\d+/([^,]+), SignedHeaders=([^,]+)", str(request.headers["Authorization"]))
    assert signed is not None
    raise Sent(request.method, request.url, *signed.groups())


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def session(*, own: bool) -> botocore.session.Session:
    made = botocore.session.Session()
    if own:
        made.register_component("data_loader", ServiceModels())
    made.register("before-send", _stop)  # type: ignore[arg-type]  # its stub allows no names
    return made


def requests(made: botocore.session.Session) -> Iterator[tuple[Any, ...]]:
    for region in REGIONS:
        for variant in VARIANTS:
            for service, (operation, arguments) in CALLS.items():
                config = Config(**variant)
                if service == "s3":  # a copy: botocore writes into the dictionary of a client's configuration
                    config = S3_CONFIG.merge(config).merge(Config(s3={"addressing_style": "virtual"}))
                client: Any = made.create_client(service, region_name=region, config=config)
                try:
                    getattr(client, operation)(**arguments)
                except Sent as sent:
                    yield service, region, *sent.args
                except Exception as error:  # noqa: BLE001 - a partition may lack a variant: the same for both
                    yield service, region, type(error).__name__


def test_requests_go_where_botocore_sends_them() -> None:
    """In every partition, with FIPS or dual-stack endpoints too, address and signature are those of botocore alone."""
    ours = list(requests(session(own=True)))
    assert ours == list(requests(session(own=False)))
    assert len(ours) == len(REGIONS) * len(VARIANTS) * len(SERVICES)
    assert ("s3", "us-east-1", "GET", "https://bucket.s3.amazonaws.com/key") in {one[:4] for one in ours}


def test_a_presigned_url_names_the_regional_bucket() -> None:
    """What a partner gets is signed for the bucket's own address."""
    for region, domain in (("eu-central-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")):
        client: Any = session(own=True).create_client("s3", region_name=region, config=S3_CONFIG)
        url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
        assert url.startswith(f"https://bucket.s3.{region}.{domain}/k?X-Amz-Algorithm=AWS4-HMAC-SHA256")


def test_services_are_those_of_the_zip(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the zip holds can be made a client of, and nothing else."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert set(SERVICES) == BUNDLED == set(CALLS)
    assert AwsSession().client("sqs").meta.region_name == "eu-central-1"
    with pytest.raises(Exception, match="Unknown service: 'ec2'"):
        AwsSession().client("ec2")


ITEM: dict[str, Any] = {
    "pk": {"S": "Zoë 🎉 \u2028"},
    "number": {"N": "0.1234567890123456789012345678901234567"},
    "flags": {"L": [{"BOOL": False}, {"NULL": True}, {"M": {}}, {"L": []}]},
    "names": {"SS": ["a", "b"]},
    "attributes": {"M": {"a b.c": {"M": {"S": {"S": "not a type"}, "": {"N": "1"}}}, "wide": {"S": ""}}},
}
CONDITION: dict[str, Any] = {
    "ConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "a"}},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
CALLS_OF_ITEMS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, {"Item": ITEM}),
    ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, {}),
    ("put_item", {"TableName": "t", "Item": ITEM, **CONDITION}, {}),
    (
        "batch_get_item",
        {"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}}], "ConsistentRead": True}}},
        {"Responses": {"t": [ITEM]}, "UnprocessedKeys": {"u": {"Keys": [{"pk": {"S": "b"}}]}}},
    ),
    (
        "query",
        {"TableName": "t", "KeyConditionExpression": "pk = :pk", "ExclusiveStartKey": {"pk": {"S": "a"}}},
        {"Items": [ITEM, {}], "Count": 2, "LastEvaluatedKey": {"pk": {"S": "b"}}},
    ),
    (
        "update_item",
        {"TableName": "t", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET a = :pk", **CONDITION},
        {"Attributes": ITEM},
    ),
    (
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}], "ClientRequestToken": "token"},
        {},
    ),
)


class Body:
    """The body of an answer."""

    def __init__(self, written: bytes) -> None:
        self._written = written

    def stream(self) -> Iterator[bytes]:
        """Return it as botocore reads it."""
        yield self._written


@pytest.mark.parametrize(("operation", "arguments", "answer"), CALLS_OF_ITEMS)
def test_items_are_written_and_read_as_botocore_does(
    operation: str, arguments: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Whatever holds items leaves in the same bytes, and what comes back is the same, as with botocore's own model."""
    bodies, answers = [], []
    for own in (True, False):
        made = botocore.session.Session()
        if own:
            made.register_component("data_loader", ServiceModels())
        client: Any = made.create_client("dynamodb", region_name="eu-central-1")

        def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            bodies.append(request.body)
            return AWSResponse(str(request.url), 200, HTTPHeaders(), Body(json.dumps(answer).encode()))

        client.meta.events.register("before-send", send)
        answers.append(getattr(client, operation)(**arguments))
    assert bodies[0] == bodies[1]
    assert answers[0] == answers[1]


def test_the_item_in_a_conflict_is_read_as_botocore_does() -> None:
    """A failed condition returns the item that is there: its values too are those of botocore's own model."""
    failed = {"__type": "com.amazonaws#ConditionalCheckFailedException", "message": "failed", "Item": ITEM}
    items = []
    for own in (True, False):
        made = botocore.session.Session()
        if own:
            made.register_component("data_loader", ServiceModels())
        client: Any = made.create_client("dynamodb", region_name="eu-central-1")

        def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            return AWSResponse(str(request.url), 400, HTTPHeaders(), Body(json.dumps(failed).encode()))

        client.meta.events.register("before-send", send)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as met:
            client.put_item(TableName="t", Item=ITEM, **CONDITION)
        items.append(met.value.response["Item"])
    assert items == [ITEM, ITEM]
