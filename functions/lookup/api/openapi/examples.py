"""Bodies as the API answers them, for the documentation; tests hold them to the schemas."""

from __future__ import annotations

from collections.abc import Mapping

PROFILE: Mapping[str, object] = {
    "identifier_type": "customer_id",
    "identifier": "C-1",
    "outcome": "found",
    "reason": None,
    "source": "stored",
    "fetched_at": "2026-11-24T09:30:00.000000Z",
    "changed_fields": [],
    "replaced_fields": [],
    "user_attributes": {"name": "Ada", "u_em": "ada@example.com"},
}
COUNTS = {"requested": 2, "found": 1, "not_found": 0, "invalid": 1, "failed": 0}
OUTCOMES = {
    "lookup_id": "on-demand-5f0c8f5a1b9d4d6f8c1e2a3b4c5d6e7f",
    "counts": COUNTS,
    "outcomes": [
        PROFILE,
        {
            "identifier_type": "customer_id",
            "identifier": "unknown",
            "outcome": "invalid",
            "reason": "identifier is a value that MoEngage blocks as a customer_id",
            "source": None,
            "fetched_at": None,
            "changed_fields": [],
            "replaced_fields": [],
            "user_attributes": None,
        },
    ],
}
ESTIMATE = {"done_at": "2026-11-24T09:35:18.000000Z", "users": 4077, "users_ahead": 0, "share_of_daily_quota": 0.0028}
LOOKUP_ID = "lookup-0b1c2d3e4f5061728394a5b6c7d8e9f0"
LOOKUP = {
    "lookup_id": LOOKUP_ID,
    "state": "active",
    "workspace": "default",
    "submitted_at": "2026-11-24T09:30:00.000000Z",
    "finished_at": None,
    "ended_because": None,
    "counts": {"requested": 5000, "found": 830, "not_found": 90, "invalid": 3, "failed": 0},
    "requested_is_estimated": True,
    "progress": 0.1846,
    "parts": 10,
    "estimate": ESTIMATE,
    "results": None,
    "links": {"self": f"/v1/lookups/{LOOKUP_ID}", "results": f"/v1/lookups/{LOOKUP_ID}/results"},
}
EXPORTED = LOOKUP | {
    "state": "completed",
    "finished_at": "2026-11-24T09:36:00.000000Z",
    "counts": {"requested": 5000, "found": 4530, "not_found": 467, "invalid": 3, "failed": 0},
    "requested_is_estimated": False,
    "progress": 1.0,
    "parts": 50,
    "estimate": None,
    "results": {
        "state": "ready",
        "files": 4,
        "bytes": 6_288_420,
        "ready_at": "2026-11-24T09:36:04.000000Z",
        "failed_because": None,
        "exports": [
            {
                "format": "csv",
                "state": "collecting",
                "files": 0,
                "bytes": 0,
                "requested_at": "2026-11-24T10:00:00.000000Z",
                "ready_at": None,
                "failed_because": None,
            }
        ],
    },
}
LOOKUPS = {"lookups": [LOOKUP | {"estimate": None}], "next": "MjAyNi0xMS0yNFQwOTozMA"}
RESULTS = {
    "state": "ready",
    "files": [
        {
            "name": f"{LOOKUP_ID}-00001.ndjson.gz",
            "format": "ndjson",
            "only": None,
            "records": 5000,
            "bytes": 3_144_210,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "url": "https://bucket.example.com/results/…",
            "expires_at": "2026-11-24T09:45:00.000000Z",
            "links": {"self": f"/v1/lookups/{LOOKUP_ID}/results/{LOOKUP_ID}-00001.ndjson.gz"},
        }
    ],
    "next": None,
}
ERASURE = {
    "erasure_id": "erasure-1f2e3d4c5b6a79880716253443526170",
    "state": "completed",
    "workspace": "default",
    "identifiers": 1,
    "requested_at": "2026-11-24T09:30:00.000000Z",
    "finished_at": "2026-11-24T09:47:12.000000Z",
    "tombstone_until": "2027-02-22T09:30:00.000000Z",
    "searches": 2,
    "found": {"profiles": 1, "parts": 1, "results": 4, "rosters": 1},
    "rosters_needed": {"own": [], "others": 0},
    "links": {"self": "/v1/erasures/erasure-1f2e3d4c5b6a79880716253443526170"},
}
ROSTER = {
    "roster_id": "9d3e0f1a2b3c4d5e6f708192a3b4c5d6",
    "upload": {
        "method": "PUT",
        "url": "https://bucket.example.com/rosters/…",
        "headers": {"If-None-Match": "*", "x-amz-tagging": "retention=upload"},
        "expires_in": 900,
        "expires_at": "2026-11-24T09:45:00.000000Z",
    },
}
ROSTER_PREVIEW = {
    "roster_id": ROSTER["roster_id"],
    "bytes": 182_044,
    "entries": 5000,
    "entries_is_estimated": True,
    "format": "csv",
    "delimiter": ";",
    "column": "Customer ID",
    "type_column": None,
    "identifier_type": "customer_id",
    "read": 1790,
    "first": [{"identifier_type": "customer_id", "identifier": "C-1"}],
    "invalid": 1,
    "first_invalid": [
        {"line": 3, "text": "unknown", "reason": "identifier is a value that MoEngage blocks as a customer_id"}
    ],
    "notes": ["2 of 1790 begin or end with white space, which is part of them"],
}
SCHEDULE = {
    "name": "nightly",
    "expression": "cron(0 3 * * ? *)",
    "time_zone": "Europe/Berlin",
    "roster_id": ROSTER["roster_id"],
    "workspace": "default",
    "fields": ["name", "u_em"],
    "max_age": 0,
    "last_lookup_id": "acme.nightly-20261124T020000Z",
    "last_skipped_at": None,
    "last_skipped_because": None,
}
SCHEDULES = {
    "schedules": [
        {
            "name": "nightly",
            "created_at": "2026-11-01T12:00:00.000000Z",
            "changed_at": "2026-11-02T12:00:00.000000Z",
            "links": {"self": "/v1/schedules/nightly"},
        }
    ],
    "next": None,
}
GRANTS = {
    "partner": "crm",
    "is_operator": False,
    "scopes": ["lookups/write", "profiles/read"],
    "lanes": ["on_demand", "bulk"],
    "users_per_day": 5000,
    "workspaces": [
        {
            "name": "default",
            "fields": ["name", "u_em"],
            "quota": {"limit": 1000, "window_seconds": 60.0},
            "keeps_profiles": True,
        }
    ],
    "limits": {
        "identifiers": 10000,
        "identifiers_to_wait": 100,
        "roster_bytes": 268435456,
        "lookups": 1000,
        "schedules": 50,
        "uploads": 100,
        "erased": 100,
    },
    "formats": ["csv", "csv_bom"],
}
QUOTA = {
    "workspace": "default",
    "window_seconds": 60.0,
    "limit": 1000,
    "full_limit": 1000,
    "used": {"on_demand": 40, "bulk": 900, "total": 940},
    "backlog": {"users": 25000, "minutes": 25.0, "done_at": "2026-11-24T09:56:18.000000Z"},
    "gate": {
        "state": "open",
        "reason": None,
        "explanation": None,
        "since": "2026-11-23T18:02:11.000000Z",
        "closed_until": None,
        "epoch": 1795460001,
        "next_room": {"on_demand": "2026-11-24T09:30:01.000000Z", "bulk": "2026-11-24T09:30:02.000000Z"},
    },
    "at": "2026-11-24T09:30:00.500000Z",
    "window": [
        {"from": "2026-11-24T09:29:59.000000Z", "until": "2026-11-24T09:30:00.000000Z", "on_demand": 1, "bulk": 20}
    ],
    "lookups": {"running": 2, "unfinished": 3},
    "minutes": [
        {"from": "2026-11-24T09:28:31.000000Z", "until": "2026-11-24T09:29:31.000000Z", "on_demand": 38, "bulk": 925}
    ],
    "last_day": {
        "from": "2026-11-23T09:59:31.000000Z",
        "until": "2026-11-24T09:29:31.000000Z",
        "on_demand": 21000,
        "bulk": 790000,
        "users": 811000,
    },
    "today": {"users": 1200, "limit": 5000, "left": 3800, "resets_at": "2026-11-25T00:00:00.000000Z"},
}
WEBHOOK_ID = "msg_0b1c2d3e4f5061728394a5b6c7d8e9f0"
DELIVERIES = {
    "webhook": {
        "events": ["lookup.completed", "results.ready"],
        "state": "called",
        "disabled_at": None,
        "paused_until": None,
    },
    "deliveries": [
        {
            "webhook_id": WEBHOOK_ID,
            "event": "results.ready",
            "occurred_at": "2026-11-24T09:31:00.000000Z",
            "state": "pending",
            "attempts": 2,
            "last_status": 503,
            "last_error": None,
            "attempted_at": "2026-11-24T09:31:07.000000Z",
            "next_attempt_at": "2026-11-24T09:31:38.000000Z",
        }
    ],
    "next": None,
}
WEBHOOK_TEST = {
    "webhook_id": WEBHOOK_ID,
    "event": "webhook.test",
    "links": {"deliveries": "/v1/webhooks/deliveries"},
}
PARTNERS = {
    "workspace": "default",
    "partners": [
        {
            "name": "crm",
            "weight": 1,
            "users_per_day": 5000,
            "today": QUOTA["today"],
            "running": 1,
            "unfinished": 2,
            "waiting_users": 800,
        }
    ],
}
OPERATOR_LOOKUP = LOOKUP | {"partner": "crm"}
OPERATOR_LOOKUPS = {"lookups": [OPERATOR_LOOKUP], "next": None}
DEAD_LETTERS = {"queues": [{"name": "intake", "waiting": 3, "can_redrive": True}]}
STEERED_GATE = {
    "workspace": "default",
    "state": "open",
    "reason": None,
    "explanation": None,
    "since": "2026-11-24T09:30:00.000000Z",
    "closed_until": None,
    "epoch": 1795460002,
    "next_room": {"on_demand": "2026-11-24T09:30:01.000000Z", "bulk": "2026-11-24T09:30:02.000000Z"},
}
REDRIVEN = {
    "queue": "intake",
    "dry_run": True,
    "waiting": 230,
    "seen": 100,
    "actions": {"sent": 98, "retried": 0, "dropped": 1, "left": 1},
    "users": {"default": 980},
    "users_of_all": {"default": 2254},
    "minutes": {"default": 2.3},
    "left_because": [{"reason": "body: starts like JSON but is not readable as JSON", "letters": 1}],
}
# What a request may hold, by operation; without them Swagger UI would try every field at once.
BODIES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "submitLookup": {
        "identifiers": {
            "identifiers": ["C-1", {"identifier_type": "id", "identifier": "62e7a1b2c3d4e5f601234567"}],
            "fields": ["name", "u_em"],
            "max_age": 3600,
        },
        "roster": {"roster_id": ROSTER["roster_id"], "max_age": 3600},
    },
    "createErasure": {"one": {"identifiers": ["C-1"]}},
    "createExport": {"csv": {"formats": ["csv"]}},
    "createRoster": {"file": {"bytes": 182_044}},
    "steerLookup": {"pause": {"action": "pause"}},
    "steerGate": {"open": {"workspace": "default", "action": "open"}},
    "redriveDeadLetters": {"intake": {"queue": "intake"}},
    "putSchedule": {
        "nightly": {
            "roster_id": ROSTER["roster_id"],
            "expression": "cron(0 3 * * ? *)",
            "time_zone": "Europe/Berlin",
            "fields": ["name", "u_em"],
        }
    },
}
