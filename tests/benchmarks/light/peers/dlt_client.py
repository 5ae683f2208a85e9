"""dlt's RESTClient over its own session, which retries 429 with growing pauses."""

import json
import sys

import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

url, app_id, key, source, target, seconds = sys.argv[1:]
base, path = url.rsplit("/", 1)
session = Client(
    request_max_attempts=20, request_backoff_factor=float(seconds), request_max_retry_delay=30 * float(seconds)
).session
client = RESTClient(base, auth=HttpBasicAuth(app_id, key), session=session)
with open(source) as file, open(target, "w") as out:
    names = list(dict.fromkeys(file.read().split()))
    for start in range(0, len(names), 20):
        some = names[start : start + 20]
        identifiers = [{"identifier_type": "customer_id", "identifier": name} for name in some]
        try:
            answer = client.post(path, params={"app_id": app_id}, json={"data": {"identifiers": identifiers}})
            answer.raise_for_status()
        except requests.RequestException as error:
            print("lost", len(some), type(error).__name__, file=sys.stderr)
            continue
        found = {user["user_attributes"]["customer_id"] for user in answer.json()["data"]["users"]}
        for name in some:
            out.write(json.dumps({"identifier": name, "outcome": "found" if name in found else "not_found"}) + "\n")
