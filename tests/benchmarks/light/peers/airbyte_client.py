"""The Airbyte CDK's HTTP client with a call budget: a moving window in each process, a quarter of the quota each."""

import json
import logging
import sys
from datetime import timedelta

from airbyte_cdk.sources.streams.call_rate import HttpAPIBudget, HttpRequestMatcher, MovingWindowCallRatePolicy, Rate
from airbyte_cdk.sources.streams.http.error_handlers import BackoffStrategy
from airbyte_cdk.sources.streams.http.http_client import HttpClient
from requests.auth import HTTPBasicAuth

url, app_id, key, source, target, seconds = sys.argv[1:]
WINDOW, CALLS, PROCESSES = 60 * float(seconds), 50, 4


class Pause(BackoffStrategy):
    def backoff_time(self, response_or_exception, attempt_count):
        return min(2.0**attempt_count, 30.0) * float(seconds)


rates = [Rate(CALLS // PROCESSES, timedelta(seconds=WINDOW))]
budget = HttpAPIBudget(policies=[MovingWindowCallRatePolicy(rates, [HttpRequestMatcher()])])
client = HttpClient(
    "users", logging.getLogger("users"), api_budget=budget, authenticator=HTTPBasicAuth(app_id, key),
    backoff_strategy=Pause(),
)  # fmt: skip
with open(source) as file, open(target, "w") as out:
    names = list(dict.fromkeys(file.read().split()))
    for start in range(0, len(names), 20):
        some = names[start : start + 20]
        body = {"data": {"identifiers": [{"identifier_type": "customer_id", "identifier": name} for name in some]}}
        try:
            _, answer = client.send_request("POST", url, {}, params={"app_id": app_id}, json=body)
        except Exception as error:  # whatever it raises when its retries are used up
            print("lost", len(some), type(error).__name__, file=sys.stderr)
            continue
        found = {user["user_attributes"]["customer_id"] for user in answer.json()["data"]["users"]}
        for name in some:
            out.write(json.dumps({"identifier": name, "outcome": "found" if name in found else "not_found"}) + "\n")
