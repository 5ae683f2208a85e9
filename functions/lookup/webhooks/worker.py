"""One message of the webhook queue: sent, hidden until its next attempt, dropped, or dead-lettered.

A receiver that does not answer takes a worker's time, so at most two calls of one are under way, after a failure one,
and after three in a row it is paused: its messages are hidden without a call, and those of others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.errors import AwsUnavailable, InvalidInput, Misconfigured, ServiceError, UnknownClient
from lookup.ledger.webhooks import SLOW_SECONDS, DeliveryRecord, DeliveryState, Receiver, Slot, WebhookLedger
from lookup.model import Clock
from lookup.partners import Partner
from lookup.retry_after import retry_at
from lookup.telemetry import Metric, count, logger
from lookup.webhook_settings import EventType, Webhook
from lookup.webhooks import retries
from lookup.webhooks.message import WebhookMessage, parse_message
from lookup.webhooks.queue import MOST_OF_BUSY, MOST_OF_PAUSED, WebhookQueue
from lookup.webhooks.retries import Delivered, GiveUp, TryAgain, Verdict
from lookup.webhooks.sender import Answer, Sender
from lookup.webhooks.signature import signature_headers
from lookup.webhooks.signing_keys import SigningKeys

RUNBOOK = "Webhook not delivered"
PAUSED, BUSY = "the receiver gave no usable answer", "other calls of the receiver were under way"


@dataclass(frozen=True, slots=True)
class _Task:
    """A message with its partner's webhook, and what the ledger says of both."""

    delivery: Delivery
    message: WebhookMessage
    webhook: Webhook
    receiver: Receiver
    record: DeliveryRecord

    @property
    def is_test(self) -> bool:
        return self.message.event is EventType.TEST


class WebhookWorker:
    """Serves batches; returns the message ids that the queue must deliver again."""

    def __init__(
        self,
        *,
        partner_named: Callable[[str], Partner],
        ledger: WebhookLedger,
        keys: SigningKeys,
        sender: Sender,
        queue: WebhookQueue,
        clock: Clock,
    ) -> None:
        self._partner_named = partner_named
        self._ledger = ledger
        self._keys = keys
        self._sender = sender
        self._queue = queue
        self._clock = clock

    def serve(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Send what can be sent now."""
        return [one.message_id for one in deliveries if not self._is_done(one)]

    def _is_done(self, delivery: Delivery) -> bool:
        try:
            message = parse_message(delivery.body)
        except InvalidInput as error:
            return try_dead_letter(self._queue, delivery, str(error))
        try:
            webhook = self._webhook_of(message)
            return webhook is None or self._is_sent(self._read(delivery, message, webhook))
        except Misconfigured as error:
            logger.error("webhook not sent", partner=message.partner, reason=str(error), runbook=RUNBOOK)
            count(Metric.WEBHOOKS_FAILED)
            wait = min(retries.LONGEST_BACKOFF, retries.retry_delay(delivery.received))
            return self._wait_for_operator(delivery, str(error), wait)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("webhook returned", partner=message.partner, error=error_name(error), runbook=RUNBOOK)
            return self._wait_for_operator(delivery, error_name(error), retries.retry_delay(delivery.received))

    def _webhook_of(self, message: WebhookMessage) -> Webhook | None:
        """Return where a message goes; None when its partner has no webhook for it (any more)."""
        try:
            webhook = self._partner_named(message.partner).webhook
        except UnknownClient:
            webhook = None
        if webhook is None or not webhook.is_for(message.event):
            logger.info("webhook dropped", partner=message.partner, event_type=message.event.value)
            return None
        return webhook

    def _read(self, delivery: Delivery, message: WebhookMessage, webhook: Webhook) -> _Task:
        fresh = DeliveryRecord(message.occurred_at, message.webhook_id, message.event.value)
        receiver, record = self._ledger.read(message.partner, webhook.url, fresh)
        if record.state is DeliveryState.FAILED:  # sent again by an operator
            record = replace(record, tries=0)
        return _Task(delivery, message, webhook, receiver, record)

    def _is_sent(self, task: _Task) -> bool:
        if task.record.state is DeliveryState.DELIVERED:
            return True  # a second delivery of EventBridge's, or of a message whose deletion was lost
        if task.receiver.disabled_at is not None and not task.is_test:
            self._record(task, replace(task.record, state=DeliveryState.SKIPPED, next_attempt_at=None))
            return True
        left = task.receiver.paused_until - self._clock()
        if left > 0 and not task.is_test:
            return self._postponed(task, left, PAUSED, MOST_OF_PAUSED)
        slot = self._ledger.acquire_slot(task.message.partner, task.receiver)
        if slot is None:
            return self._postponed(task, 0.0, BUSY, MOST_OF_BUSY)
        return self._called(task, slot)

    def _postponed(self, task: _Task, left: float, reason: str, most: int) -> bool:
        """Hide a message without a call; one that has waited for three days, or that is one too many, is given up.

        While `most` messages are hidden this receiver hides no more: SQS would hand out nobody's any longer.
        """
        if self._age(task.delivery) > retries.LONGEST_ATTEMPTS:
            return self._given_up(task, GiveUp(f"{reason} for three days"))
        if self._queue.in_flight() >= most:
            return self._given_up(task, GiveUp(f"{reason}, and {most} messages wait already"))
        return self._later(task.delivery, left + retries.busy_delay(task.delivery.received))

    def _called(self, task: _Task, slot: Slot) -> bool:
        try:
            keys = self._keys.of(task.message.partner, task.webhook.secret_id)
        except (Misconfigured, AwsUnavailable):
            self._ledger.release_slot(slot)
            raise
        now, body = self._clock(), task.message.body
        headers = signature_headers(keys, webhook_id=task.message.webhook_id, timestamp=int(now), body=body)
        answer = self._sender.post(task.webhook.address, body, headers)
        asked = {"retry-after": answer.headers.get("retry-after", "")}
        wait = retry_at(asked, now, longest=retries.LONGEST_RETRY_AFTER)
        return self._answered(task, slot, answer, None if wait is None else wait - now)

    def _answered(self, task: _Task, slot: Slot, answer: Answer, retry_after: float | None) -> bool:
        tried = replace(
            task.record,
            attempts=task.record.attempts + 1,
            tries=task.record.tries + 1,
            last_status=answer.status,
            last_error=answer.error,
            attempted_at=self._clock(),
            next_attempt_at=None,
        )
        verdict = retries.judge(answer, tries=tried.tries, age=self._age(task.delivery), retry_after=retry_after)
        self._ledger.record_call(
            slot, self._seen(task.receiver, answer, retry_after), disabled=_disabled(task, verdict)
        )
        self._log(task, tried, verdict)
        return self._carried_out(replace(task, record=tried), verdict)

    def _seen(self, receiver: Receiver, answer: Answer, retry_after: float | None) -> Receiver:
        """Return what an answer shows of its receiver. One that refuses a webhook is there, and may take the next."""
        is_success = retries.is_success(answer)
        failures = 0 if is_success or retries.is_refusal(answer) else receiver.failures + 1
        asked = 0.0 if is_success else min(retry_after or 0.0, retries.LONGEST_RETRY_AFTER)
        paused_until = self._clock() + max(asked, retries.backoff(failures))
        return replace(receiver, failures=failures, paused_until=paused_until, is_slow=answer.seconds > SLOW_SECONDS)

    def _log(self, task: _Task, tried: DeliveryRecord, verdict: Verdict) -> None:
        metric = Metric.WEBHOOKS_DELIVERED if isinstance(verdict, Delivered) else Metric.WEBHOOKS_FAILED
        count(metric)
        logger.info(
            "webhook sent" if isinstance(verdict, Delivered) else "webhook not taken",
            partner=task.message.partner,
            webhook_id=tried.webhook_id,
            event_type=tried.event,
            attempts=tried.attempts,
            status=tried.last_status,
            error=tried.last_error,
        )

    def _carried_out(self, task: _Task, verdict: Verdict) -> bool:
        match verdict:
            case Delivered():
                self._record(task, replace(task.record, state=DeliveryState.DELIVERED))
                return True
            case GiveUp():
                return self._given_up(task, verdict)
            case TryAgain() if task.is_test:  # whoever tests sees the answer, and tests again
                self._record(task, replace(task.record, state=DeliveryState.FAILED))
                return True
            case TryAgain(seconds):
                again = replace(task.record, state=DeliveryState.PENDING, next_attempt_at=self._clock() + seconds)
                self._record(task, again)
                return self._later(task.delivery, seconds)

    def _given_up(self, task: _Task, verdict: GiveUp) -> bool:
        """Dead-letter a message, then record it: in the other order it could be lost between."""
        if not task.is_test and not try_dead_letter(self._queue, task.delivery, verdict.reason):
            return False
        self._record(task, replace(task.record, state=DeliveryState.FAILED))
        return True

    def _wait_for_operator(self, delivery: Delivery, reason: str, wait: float) -> bool:
        """Hide a message that an error of ours keeps back, for three days; its dead letter is kept for eleven more."""
        if self._age(delivery) > retries.LONGEST_ATTEMPTS:
            return try_dead_letter(self._queue, delivery, reason)
        return self._later(delivery, wait)

    def _later(self, delivery: Delivery, seconds: float) -> bool:
        try_delay(lambda one: self._queue.hide(one, seconds), delivery)
        return False

    def _age(self, delivery: Delivery) -> float:
        return self._clock() - delivery.sent_at

    def _record(self, task: _Task, record: DeliveryRecord) -> None:
        self._ledger.record(task.message.partner, record)


def _disabled(task: _Task, verdict: Verdict) -> bool | None:
    """Return whether the receiver is disabled from now on; None when this answer does not change it."""
    if isinstance(verdict, GiveUp) and verdict.disables:
        return True
    return False if isinstance(verdict, Delivered) and task.is_test else None
