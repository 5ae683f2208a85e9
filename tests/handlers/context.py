"""What Lambda tells a door beside the event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LambdaContext:
    """What Lambda tells a function of its invocation."""

    function_name: str = "door"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:door"
    aws_request_id: str = "4f1d2c3b-0000-4000-8000-000000000001"
    remaining_seconds: float = 29.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds * 1000)
