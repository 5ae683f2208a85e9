"""A stack whose secret has no value yet says so, loses nothing, and goes on once the value is there."""

from __future__ import annotations

from tests.local.enforced.conftest import Enforced
from tests.lookup.services import customer
from tests.waiting import until


def test_without_the_secret_the_stack_says_so_and_loses_nothing(enforced: Enforced) -> None:
    """A request gets 503 `not-configured`; a message of the intake queue waits and is not dead-lettered."""
    status, problem = enforced.api().profile(customer("C-1"))
    assert (status, problem["type"]) == (503, "urn:moengage-lookup:problem:not-configured")
    assert problem["detail"] == "this workspace cannot be asked yet"
    enforced.stage.clients.sqs.send_message(QueueUrl=enforced.stage.outputs["IntakeQueueUrl"], MessageBody="C-2")
    until(lambda: enforced.logged("OnQueue", "PartsHeldBack"))
    assert enforced.depth("IntakeQueueUrl") == (0, 1)
    assert enforced.depth("IntakeDeadLetterQueueUrl") == (0, 0)


def test_with_the_secret_the_same_instances_answer(enforced: Enforced) -> None:
    """Nothing but the secret's value was missing, and nothing has to be restarted."""
    enforced.put_secrets_and_grants()
    assert enforced.api().profile(customer("C-1"))[0] == 200
