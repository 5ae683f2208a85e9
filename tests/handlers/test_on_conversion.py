"""The conversion queue's function: a packed roster can be fed afterwards, within the bounds of the settings."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import on_conversion
from lookup.ledger.model import LookupSpec
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]


def test_a_packed_roster_is_converted(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """The message of a lookup makes a copy of its roster as plain text, and is done."""
    body = gzip.compress(b"customer_id\nC-1\nC-2\n")
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key="rosters/acme/packed", Body=body)
    roster = on_conversion.services().rosters.pin("rosters/acme/packed")
    on_conversion.services().conversions.submit(LookupSpec("lookup-packed", "default", "acme", 1.0, roster))
    assert on_conversion.handler(event("on_conversion/conversion.json"), context) == {"batchItemFailures": []}
    progress = on_conversion.services().lookups.get("lookup-packed")
    assert progress is not None
    copy = deployed.s3.get_object(Bucket=deployed.settings.bucket_name, Key=progress.spec.roster.key)
    assert copy["Body"].read() == gzip.decompress(body)
    assert not progress.spec.roster.needs_conversion
