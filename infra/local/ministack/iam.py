"""Four behaviours of AWS that MiniStack lacks where it enforces IAM (`AUTH=true`).

- AWS is reached by TLS. The embedded server speaks plain HTTP, on this machine only; to policies that want TLS every
  call counts as one by TLS, or they would deny all of them.
- A schedule's ARN names its group. MiniStack takes every schedule for one of the group `default`:
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
- A list of schedules is checked against all of them, whatever group the call names; MiniStack knows no resource there.
- SQS has no permissions for its batch operations: `SendMessageBatch` needs `sqs:SendMessage`.
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.core import iam_actions  # type: ignore[import-untyped]  # ships no types

Headers = Mapping[str, str]
Query = Mapping[str, Sequence[str]]
Find = Callable[..., str]
Name = Callable[..., str | None]
Pin = Callable[[str, bool], None]


def enforce_as_aws() -> None:
    """Replace the places of MiniStack that decide differently."""
    app.pin_request_origin = with_tls(app.pin_request_origin)
    iam_actions.extract_resource_arn = with_groups(iam_actions.extract_resource_arn)
    iam_actions.extract_iam_action = with_single_messages(iam_actions.extract_iam_action)


def with_tls(pin: Pin) -> Pin:
    """Treat every call as one by TLS."""
    return lambda source_ip, _: pin(source_ip, True)  # noqa: FBT003 - MiniStack's own signature


def with_single_messages(name: Name) -> Name:
    """Require for a batch of messages the permission of one."""

    def named(*request: object) -> str | None:
        action = name(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return named


def with_groups(find: Find) -> Find:
    """Build a schedule's ARN with the group that the call names; a list needs every schedule of the account."""

    def found(  # noqa: PLR0917 - MiniStack's own signature
        service: str, method: str, path: str, headers: Headers, body: bytes, query: Query, *place: str
    ) -> str:
        arn = find(service, method, path, headers, body, query, *place)
        if service == "scheduler" and path.rstrip("/") == "/schedules":
            region, account = place
            return f"arn:aws:scheduler:{region}:{account}:schedule/*/*"
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        return arn.replace(":schedule/default/", f":schedule/{_group(body, query)}/")

    return found


def _group(body: bytes, query: Query) -> str:
    named = query.get("groupName")
    return named[0] if named else str(json.loads(body or b"{}").get("GroupName", "default"))
