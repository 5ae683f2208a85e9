"""What the deployed functions wrote to CloudWatch Logs, saved to a file before the server is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.ministack.process import EmbeddedAws
from infra.local.stage.clients import CONFIG


def save(server: EmbeddedAws, path: Path) -> None:
    """Write all log events, group by group; never in the way of the stop, so a server that is gone is no error."""
    with path.open("w") as log:
        try:
            log.writelines(_lines(server.session(), server.endpoint_url))
        except (BotoCoreError, ClientError) as error:
            log.write(f"the rest could not be read: {type(error).__name__}\n")


def _lines(session: boto3.Session, endpoint_url: str) -> Iterator[str]:
    logs = session.client("logs", endpoint_url=endpoint_url, config=CONFIG)
    for group in logs.describe_log_groups()["logGroups"]:
        yield f"== {group['logGroupName']}\n"
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (f"{event['message'].rstrip()}\n" for event in page["events"])
