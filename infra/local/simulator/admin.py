"""The admin route `/_admin/…`: JSON in, JSON out. The Python side of it is `process.Simulator`.

| Call | Body | Answer |
| --- | --- | --- |
| `GET health` | | `{}` |
| `GET config`, `PATCH config` | part of a `SimulatorConfig` | the whole of it |
| `POST reset` | part of a `SimulatorConfig`, laid over the one it was started with | the whole of it |
| `PUT faults` | `{"faults": [Fault…]}` | how many calls each may still strike |
| `PUT key` | `{"workspace_id", "data_api_key"}` | `{}` |
| `PUT user` | `{"workspace_id", "identifier_type", "identifier", "attributes" or null, "exact"}` | `{}` |
| `PUT version` | `{"version", "identifier_type", "identifier" or null}` | `{}` |
| `POST counters` | `{"workspace_id" or null, "window" or null}` | `Counters` |
| `POST arrivals` | `{"workspace_id" or null, "since": number}` | `{"arrivals": [Arrival…]}` |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import simplejson

from infra.local.simulator.answers import Reply
from infra.local.simulator.faults import Fault
from infra.local.simulator.vendor import Vendor

Content = dict[str, Any]
JSON = {"Content-Type": "application/json"}


def answer(vendor: Vendor, method: str, name: str, body: bytes) -> Reply:
    """Carry out an admin call: 400 with the reason if it is invalid, 404 if there is no such call."""
    action = ACTIONS.get((method, name))
    if action is None:
        return Reply(404, b'{"error": "no such admin call"}', JSON)
    try:
        content = simplejson.loads(body, use_decimal=True) if body else {}
        result = action(vendor, content)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return Reply(400, _json({"error": f"{type(error).__name__}: {error}"}), JSON)
    return Reply(200, _json(result), JSON)


def _health(_: Vendor, __: Content) -> Content:
    return {}


def _config(vendor: Vendor, _: Content) -> Content:
    return vendor.config.to_json()


def _configure(vendor: Vendor, content: Content) -> Content:
    vendor.configure(vendor.config.merged(_floats(content)))
    return vendor.config.to_json()


def _reset(vendor: Vendor, content: Content) -> Content:
    vendor.reset(vendor.started_with.merged(_floats(content)))
    return vendor.config.to_json()


def _faults(vendor: Vendor, content: Content) -> Content:
    vendor.set_faults([Fault.from_json(_floats(fault)) for fault in content["faults"]])
    return {"left": vendor.faults.left}


def _key(vendor: Vendor, content: Content) -> Content:
    vendor.configure(vendor.config.with_key(content["workspace_id"], content["data_api_key"]))
    return {}


def _user(vendor: Vendor, content: Content) -> Content:
    identifier = (content["identifier_type"], content["identifier"])
    vendor.population.set_user(
        content["workspace_id"], identifier, content["attributes"], exact=content.get("exact", False)
    )
    return {}


def _version(vendor: Vendor, content: Content) -> Content:
    named = content.get("identifier")
    vendor.population.set_version(content["version"], None if named is None else (content["identifier_type"], named))
    return {}


def _counters(vendor: Vendor, content: Content) -> Content:
    return asdict(vendor.counters(content.get("workspace_id"), _floats(content).get("window")))


def _arrivals(vendor: Vendor, content: Content) -> Content:
    calls = vendor.arrivals(content.get("workspace_id"), content.get("since", 0))
    return {"arrivals": [asdict(call) for call in calls]}


Action = Callable[[Vendor, Content], Content]
ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "health"): _health,
    ("GET", "config"): _config,
    ("PATCH", "config"): _configure,
    ("POST", "reset"): _reset,
    ("PUT", "faults"): _faults,
    ("PUT", "key"): _key,
    ("PUT", "user"): _user,
    ("PUT", "version"): _version,
    ("POST", "counters"): _counters,
    ("POST", "arrivals"): _arrivals,
}


def _floats(content: Content) -> Content:
    """Read settings with plain floats: only attributes need every digit."""
    plain: Content = simplejson.loads(simplejson.dumps(content))
    return plain


def _json(content: object) -> bytes:
    return simplejson.dumps(content).encode()
