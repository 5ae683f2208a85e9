"""What a stage has, created in an account by bare HTTP: through the AWS SDK it took a third of a short test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import boto3
import urllib3

from infra.local.ministack.process import REGION

LOCATION = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


class NewAccount:
    """An account of the embedded AWS, which reads of a signature only whose it is.

    Each method raises `AssertionError` unless the answer is 200.
    """

    def __init__(self, session: boto3.Session, endpoint_url: str) -> None:
        credentials = session.get_credentials()
        assert credentials is not None
        self._scope = f"{credentials.access_key}/20261101/{REGION}"
        self._endpoint_url = endpoint_url
        self._pool = urllib3.PoolManager(retries=False)

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def bucket(self, name: str) -> str:
        """Create a versioned bucket; return its name."""
        self._request("PUT", f"/{name}", "s3", LOCATION)
        self._request("PUT", f"/{name}?versioning", "s3", VERSIONED)
        return name

    def table(self, name: str, *, partition_key: str, sort_key: str) -> str:
        """Create a table with two text keys; return its name."""
        keys = {partition_key: "HASH", sort_key: "RANGE"}
        wanted = {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            "BillingMode": "PAY_PER_REQUEST",
        }
        self._call("dynamodb", "DynamoDB_20120810.CreateTable", wanted)
        return name

    def queue(self, name: str) -> str:
        """Create a queue, FIFO when its name ends so; return its URL."""
        attributes = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
        url = self._call("sqs", "AmazonSQS.CreateQueue", {"QueueName": name, **attributes})["QueueUrl"]
        assert isinstance(url, str)
        return url

    def secret(self, name: str, text: str) -> str:
        """Create a secret; return its name."""
        wanted = {"Name": name, "SecretString": text, "ClientRequestToken": str(uuid4())}
        self._call("secretsmanager", "secretsmanager.CreateSecret", wanted)
        return name

    def _call(self, service: str, operation: str, wanted: Mapping[str, Any]) -> Any:
        return json.loads(self._request("POST", "/", service, json.dumps(wanted), {"X-Amz-Target": operation}))

    def _request(
        self, method: str, path: str, service: str, body: str, headers: Mapping[str, str] | None = None
    ) -> bytes:
        signed = f"AWS4-HMAC-SHA256 Credential={self._scope}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        sent = {"Authorization": signed, "Content-Type": "application/x-amz-json-1.0", **(headers or {})}
        answer = self._pool.request(method, f"{self._endpoint_url}{path}", body=body, headers=sent)
        assert answer.status == 200, answer.data
        return answer.data
