"""The same requests through the deployed HTTP API of the local stage, by one caller after the other's answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import urllib3

from infra.local.api_client import partner_of
from infra.local.options import read_options
from infra.local.ports import free_port
from infra.local.stage.secrets_and_grants import GRANTS_PARAMETER
from infra.local.stage.stage import Stage, local_stage
from tests.benchmarks.api.figures import Spread

WARMING = 10
ANY_RATE = 10_000  # requests a second
NO_LATENCY = {"mean": 0.0, "spread": 0.0}


@dataclass(frozen=True, slots=True)
class OverHttp:
    """Milliseconds of a request, and requests in a second, of one caller."""

    hit: Spread
    miss: Spread
    hits_per_second: float


def over_http(requests: int, show: Callable[[str], None]) -> OverHttp:
    """Deploy a local stage whose vendor takes no time, and send it requests."""
    with local_stage(read_options({"LOCAL_PORT": str(free_port())}), show) as stage:
        if stage.simulator is None:
            raise OSError("the stage has no simulator")
        stage.simulator.configure(latency=NO_LATENCY, not_found_share=0.0)
        _allow_any_rate(stage)
        headers = {"Authorization": f"Bearer {_token(stage)}"}
        misses = _times(f"{stage.api_url}/v1/profiles/customer_id/C-1?max_age=0", headers, requests)
        hits = _times(f"{stage.api_url}/v1/profiles/customer_id/C-1?max_age=86400", headers, requests)
        return OverHttp(Spread.of(hits), Spread.of(misses), round(len(hits) / sum(hits), 1))


def _allow_any_rate(stage: Stage) -> None:
    """Grant the partner more requests a second than one caller can send, before the function reads its grants."""
    ssm = stage.clients.ssm
    grants = json.loads(ssm.get_parameter(Name=GRANTS_PARAMETER)["Parameter"]["Value"])
    raised = {client: one | {"requests_per_second": ANY_RATE} for client, one in grants.items()}
    ssm.put_parameter(Name=GRANTS_PARAMETER, Value=json.dumps(raised), Type="String", Overwrite=True)


def _token(stage: Stage) -> str:
    pool = urllib3.PoolManager()
    answer = pool.request(
        "POST", f"{stage.endpoint_url}/oauth2/token", fields=partner_of(stage).token_request, encode_multipart=False
    )
    return str(answer.json()["access_token"])


def _times(url: str, headers: dict[str, str], requests: int) -> list[float]:
    pool, times = urllib3.PoolManager(retries=False), []
    for number in range(WARMING + requests):
        began = time.perf_counter()
        answer = pool.request("GET", url, headers=headers)
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.data!r}")
        if number >= WARMING:
            times.append(time.perf_counter() - began)
    return times
