"""The context object that Lambda passes to a handler beside the event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LambdaContext:
    """What Powertools and the functions read of an invocation's context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id: str = "4f1d2c3b-0000-4000-8000-000000000001"
    remaining_seconds: float = 29.0

    def get_remaining_time_in_millis(self) -> int:
        return round(self.remaining_seconds * 1000)
