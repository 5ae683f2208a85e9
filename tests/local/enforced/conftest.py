"""The local stage with IAM enforced: every request is signed, and every function has its own role's credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from infra.local.api_client import ApiClient, partner_of
from infra.local.ministack.process import ACCOUNT, REGION, EmbeddedAws
from infra.local.ports import free_port
from infra.local.simulator.process import Simulator, instant
from infra.local.stage.clients import CONFIG, Clients
from infra.local.stage.deployment import deploy
from infra.local.stage.secrets_and_grants import put_secrets_and_grants
from infra.local.stage.stage import SIMULATED, Stage
from infra.local.stage.synthesis import synthesis

ANYBODY_OF_THE_ACCOUNT = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}


@dataclass(frozen=True)
class Enforced:
    """A deployed stage whose secret has no value until `put_secrets_and_grants`."""

    server: EmbeddedAws
    stage: Stage

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        """Make a client of this server: with the account's own credentials, or those of `session`."""
        made: Any = session or self.server.session()
        return made.client(service, endpoint_url=self.server.endpoint_url, config=CONFIG)

    def api(self) -> ApiClient:
        return ApiClient(self.stage, partner_of(self.stage))

    def put_secrets_and_grants(self) -> None:
        put_secrets_and_grants(self.stage.clients, self.stage.outputs, SIMULATED)

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a function as its trigger does; return what it returned."""
        name = self.stage.outputs[f"{function}FunctionName"]
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        returned: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, returned
        return returned

    def call(self, method: str, path: str, body: object = None) -> int:
        """Call the API; return the HTTP status."""
        form = partner_of(self.stage).token_request
        pool = urllib3.PoolManager(retries=False)
        token = pool.request("POST", f"{self.stage.endpoint_url}/oauth2/token", fields=form, encode_multipart=False)
        headers = {"Authorization": f"Bearer {token.json()['access_token']}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        return int(pool.request(method, self.stage.api_url + path, body=text, headers=headers).status)

    def logged(self, function: str, text: str) -> bool:
        """Return whether a function has logged this."""
        logs = self.client("logs")
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        pages = [logs.filter_log_events(logGroupName=group)["events"] for group in groups if function in group]
        return any(text in event["message"] for page in pages for event in page)

    def depth(self, queue: str) -> tuple[int, int]:
        """Return how many messages of a queue are visible, and how many are out."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.stage.outputs[queue]
        attributes: Any = self.stage.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(attributes[names[0]]), int(attributes[names[1]])

    def assume(self, role_part: str) -> boto3.Session:
        """Log in as a deployed role; only who may take it is changed for that, not what it may do."""
        iam = self.client("iam")
        (name,) = [one["RoleName"] for one in iam.list_roles()["Roles"] if role_part in one["RoleName"]]
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(ANYBODY_OF_THE_ACCOUNT))
        role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="proof")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION)


@pytest.fixture(scope="package")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    """Deploy once for all tests here, without a value of the secret."""
    folder: Path = tmp_path_factory.mktemp("enforced")
    settings = {"AUTH": "true", "TMPDIR": str(folder)}
    with (
        Simulator(config=instant(), log_path=folder / "simulator.log") as simulator,
        synthesis(simulator.endpoint_url, outdir=folder / "cdk.out", log_path=folder / "synthesis.log") as made,
        EmbeddedAws(port=free_port(), log_path=folder / "aws.log", settings=settings) as server,
    ):
        simulator.configure(not_found_share=0.0)
        clients = Clients.of(server)
        outputs = deploy(clients, made.assembly())
        yield Enforced(server, Stage(server.endpoint_url, clients, outputs, simulator, folder))
