"""Hours that are to be collected: which, the ledger's notes say, and the results queue keeps them until they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup import exact_json
from lookup.errors import InvalidInput, Misconfigured
from lookup.ledger.collecting.hour_marks import Hour, HourMarks

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOUR = "hour"  # the key by which a message is of this kind


class HourRequests:
    """Asks on the results queue for hours to be collected."""

    def __init__(self, client: SQSClient, queue_url: str | None, marks: HourMarks) -> None:
        self._client = client
        self._queue_url = queue_url
        self._marks = marks

    def ask_for_settled(self) -> int:
        """Ask for every hour that is due; return how many. Dying in between asks twice, which costs a little."""
        marks = self._marks.settled()
        for mark in marks:
            self.ask(mark.hour)
            self._marks.clear(mark)
        return len(marks)

    def ask(self, hour: Hour) -> None:
        """Ask for one hour."""
        if self._queue_url is None:
            raise Misconfigured("results_queue_url", "is not set for this function")
        body = exact_json.dumps({"workspace": hour.workspace, HOUR: hour.name}).decode()
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)


def parse_hour(body: str) -> Hour | None:
    """Parse a message that asks for an hour; None of one of another kind. Raises `InvalidInput`."""
    try:
        read = exact_json.loads(body)
    except ValueError:
        return None
    if not isinstance(read, dict) or HOUR not in read:
        return None
    try:
        match read:
            case {"workspace": str(workspace), "hour": str(name)}:
                return Hour.named(workspace, name)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("body", "must be an object with workspace and hour, as 2026-11-29T03")
