"""Fields that were not requested stay out of every store, also when MoEngage returns more than requested."""

from __future__ import annotations

import gzip
import json

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.model import Identifier, IdentifierType, LookupRequest
from tests.lookup.services import FetchServices
from tests.lookup.stage import Stage

ASKED = Identifier(IdentifierType.CUSTOMER_ID, "C-1")
TERMS = LookupRequest("default", fields=("city",), lookup_id="lookup-1")


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Dunedin", "salary": 7})
    simulator.set_faults(Fault(distortions=("all_fields", "unasked")))
    return FetchServices(stage)


def test_more_than_was_requested(services: FetchServices) -> None:
    """Outcome and stored profile hold the requested fields; an unrequested user keeps only its identifiers."""
    fetched = services.fetch.fetch({ASKED: services.clock()}, TERMS, until=services.clock() + 20)
    outcome = fetched.outcomes[ASKED]
    assert outcome.profile is not None
    assert outcome.profile.attributes == {"city": "Dunedin"}
    (item,) = services.stage.dynamodb.scan(TableName=services.stage.settings.profiles_table_name)["Items"]
    assert item["attributes"] == {"M": {"city": {"S": "Dunedin"}}}
    (key,) = services.stage.keys("unmatched/")
    body = services.stage.s3.get_object(Bucket=services.stage.settings.bucket_name, Key=key)["Body"].read()
    assert json.loads(gzip.decompress(body)) == {"user_attributes": {"customer_id": "unasked", "id": "f" * 24}}
