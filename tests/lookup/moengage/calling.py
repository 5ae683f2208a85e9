"""Calling the simulated MoEngage through the client, for the client's tests."""

from __future__ import annotations

import pytest
import urllib3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Simulator
from lookup.errors import VendorError
from lookup.model import Identifier, IdentifierType
from lookup.moengage.client import TIMEOUT, MoEngage
from lookup.moengage.credentials import Credentials, DataCenter

NOW = 1_800_000_000.0
CREDENTIALS = Credentials(WORKSPACE_ID, DATA_API_KEY, DataCenter.DC_01)


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def own(text: str) -> Identifier:
    return Identifier(IdentifierType.ID, text)


def client_of(
    simulator: Simulator, pool: urllib3.PoolManager, *, id_name: str = "id", timeout: urllib3.Timeout = TIMEOUT
) -> MoEngage:
    """Make a client whose clock stands at `NOW`."""
    return MoEngage(
        pool, endpoint_url=simulator.endpoint_url, moengage_id_name=id_name, clock=lambda: NOW, timeout=timeout
    )


def error_of_call(client: MoEngage, *identifiers: Identifier, credentials: Credentials = CREDENTIALS) -> VendorError:
    """Call, expecting an error; return it."""
    with pytest.raises(VendorError) as caught:
        client.export(identifiers or [customer("alice")], credentials)
    return caught.value
