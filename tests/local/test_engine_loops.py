"""The embedded AWS ends recursive loops through SQS as Lambda does."""

from __future__ import annotations

from uuid import uuid4

import boto3
import pytest

from infra.local.ministack.recursive_loops import LIMIT, one_more
from infra.rehearsal.loops import none_dropped
from infra.rehearsal.report import Failed
from tests.local.test_engine import ROLE, new_queue, taken, zipped
from tests.waiting import until

# Reports what it got, and sends it back to its own queue, one higher; it ends by itself at 20.
LOOPER = """
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    for record in event["Records"]:
        number = int(record["body"])
        if number in (16, 17, 20):
            sqs.send_message(QueueUrl=os.environ["REPORTS"], MessageBody=str(number))
        if number < 20:
            sqs.send_message(QueueUrl=os.environ["OWN"], MessageBody=str(number + 1))
"""


def looping(aws: boto3.Session, recursive_loop: str) -> tuple[str, str, str]:
    """Deploy a function that invokes itself through a queue; return its name, the queue and the queue of reports."""
    reports_url, _ = new_queue(aws)
    own_url, own_arn = new_queue(aws)
    functions = aws.client("lambda")
    name = f"looper-{uuid4().hex}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="reporter.handler",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": zipped(LOOPER)},
        Environment={"Variables": {"REPORTS": reports_url, "OWN": own_url}},
    )
    functions.put_function_recursion_config(FunctionName=name, RecursiveLoop=recursive_loop)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=own_arn, BatchSize=1)
    return name, own_url, reports_url


def dropped(aws: boto3.Session, name: str) -> float | None:
    """The sum of the metric, if it was counted at all."""
    listed = aws.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="RecursiveInvocationsDropped")
    dimensions = [metric["Dimensions"] for metric in listed["Metrics"]]
    return 1.0 if [{"Name": "FunctionName", "Value": name}] in dimensions else None


def test_a_loop_ends_after_sixteen_invocations(aws: boto3.Session) -> None:
    """The seventeenth invocation by the same chain of messages is dropped and counted; its message stays queued."""
    name, own_url, reports_url = looping(aws, "Terminate")
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=own_url, MessageBody="1")
    assert until(lambda: dropped(aws, name)) == 1.0
    with pytest.raises(Failed, match=f"dropped invocations of {name} as a recursive loop"):
        none_dropped(aws.client("cloudwatch"), {"LooperFunctionName": name})
    assert taken(aws, reports_url) == "16"
    assert taken(aws, reports_url) is None
    hidden = sqs.get_queue_attributes(QueueUrl=own_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert hidden["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "1"}


def test_a_loop_that_is_allowed_goes_on(aws: boto3.Session) -> None:
    """A function whose recursive loop is allowed is invoked the seventeenth and the twentieth time, too."""
    name, own_url, reports_url = looping(aws, "Allow")
    aws.client("sqs").send_message(QueueUrl=own_url, MessageBody="1")
    assert {until(lambda: taken(aws, reports_url)) for _ in range(3)} == {"16", "17", "20"}
    assert dropped(aws, name) is None
    assert none_dropped(aws.client("cloudwatch"), {"LooperFunctionName": name}) == "nothing was dropped of 1 functions"


@pytest.mark.parametrize(
    ("chains", "counts"),
    [
        ([], {"f": 1}),
        ([{}], {"f": 1}),
        ([{"f": LIMIT}], {"f": LIMIT + 1}),
        ([{"f": 3, "g": 9}, {"f": 5}], {"f": 6, "g": 9}),
        ([{"g": 2}], {"f": 1, "g": 2}),
    ],
)
def test_a_chain_counts_each_function(chains: list[dict[str, int]], counts: dict[str, int]) -> None:
    """Of a batch the longest chain counts, each function by itself."""
    assert one_more("f", chains) == counts
