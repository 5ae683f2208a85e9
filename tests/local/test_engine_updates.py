"""The embedded AWS lets what runs end when a function is updated, as Lambda does."""

from __future__ import annotations

from uuid import uuid4

import boto3

from tests.local.test_engine import ROLE, new_queue, taken, zipped
from tests.waiting import until

# Reports that it has begun, waits for a message, and reports the release that it is of.
WAITING = """
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["REPORTS"], MessageBody="begun")
    while not sqs.receive_message(QueueUrl=os.environ["GO"], WaitTimeSeconds=1).get("Messages"):
        pass
    sqs.send_message(QueueUrl=os.environ["REPORTS"], MessageBody=os.environ["RELEASE"])
"""


def test_an_update_lets_a_running_invocation_end(aws: boto3.Session) -> None:
    """What began before an update ends as the old release, and what begins after it is the new one."""
    functions, sqs = aws.client("lambda"), aws.client("sqs")
    (reports_url, _), (go_url, _) = new_queue(aws), new_queue(aws)
    environment = {"REPORTS": reports_url, "GO": go_url}
    name = f"waiting-{uuid4().hex}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="reporter.handler",
        Role=ROLE,
        Timeout=300,
        Code={"ZipFile": zipped(WAITING)},
        Environment={"Variables": environment | {"RELEASE": "old"}},
    )
    functions.invoke(FunctionName=name, InvocationType="Event")
    assert until(lambda: taken(aws, reports_url)) == "begun"
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": environment | {"RELEASE": "new"}}
    )
    sqs.send_message(QueueUrl=go_url, MessageBody="go")
    assert until(lambda: taken(aws, reports_url)) == "old"
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    functions.invoke(FunctionName=name, InvocationType="Event")
    assert until(lambda: taken(aws, reports_url)) == "begun"
    sqs.send_message(QueueUrl=go_url, MessageBody="go")
    assert until(lambda: taken(aws, reports_url)) == "new"
