"""The usual script: requests, a pool of threads, and a retry when the vendor says 429."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

url, app_id, key, source, target, seconds = sys.argv[1:]
session = requests.Session()
retry = Retry(total=20, status_forcelist=[429, 500, 502, 503, 504], allowed_methods=None, backoff_factor=float(seconds),
              backoff_max=30 * float(seconds), backoff_jitter=float(seconds))  # fmt: skip
session.mount("http://", HTTPAdapter(max_retries=retry, pool_maxsize=8))
session.auth = (app_id, key)
lock = threading.Lock()


def look_up(names):
    identifiers = [{"identifier_type": "customer_id", "identifier": name} for name in names]
    try:
        answer = session.post(url, params={"app_id": app_id}, json={"data": {"identifiers": identifiers}}, timeout=30)
        answer.raise_for_status()
    except requests.RequestException as error:
        print("lost", len(names), type(error).__name__, file=sys.stderr)
        return
    data = answer.json()["data"]
    found = {user["user_attributes"]["customer_id"] for user in data["users"]}
    with lock:
        for name in names:
            out.write(json.dumps({"identifier": name, "outcome": "found" if name in found else "not_found"}) + "\n")


with open(source) as file, open(target, "w") as out, ThreadPoolExecutor(8) as pool:
    names = list(dict.fromkeys(file.read().split()))
    list(pool.map(look_up, [names[start : start + 20] for start in range(0, len(names), 20)]))
