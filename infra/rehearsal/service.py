"""The steps that use a deployed stage: profiles, an upload, a roster under load, a schedule."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from infra.rehearsal.api import Api
from infra.rehearsal.report import Failed, Skipped
from lookup.model import PART_LIMIT

PACE_LEAST = 0.9  # of the quota, once the first window is over
HOPS = 17  # parts in a row: one more than Lambda's loop detection allows
LATE = 0.9  # of an upload URL's life
TIME_ZONE = "Asia/Kathmandu"  # 45 minutes off the hour
LOOK = 2.0  # seconds between two looks
MAX_IDLE_SECONDS = 1800.0  # seconds without anything new
# Odd, and each of them some user's: what paths, forms and JSON treat in a way of their own.
ODD = ("a/b", "a//b", "a?b=c", "a%2Fb", "a b", "a+b", "a#b", "ü€😀", "..", "a;b", "a&b", '"a"', "a\\b", "C-1, C-2")


@dataclass(frozen=True, slots=True)
class Sample:
    """Outcomes of a lookup at a moment, in seconds of a monotonic clock."""

    at: float
    outcomes: int


@dataclass
class Service:
    """A deployed stage, and what the rehearsal has under way in it."""

    api: Api
    roster: Path | None
    size: int
    samples: list[Sample] = field(default_factory=list)
    lookup_id: str = ""
    upload: dict[str, Any] = field(default_factory=dict)
    upload_from: float = 0.0

    def pages(self) -> str:
        """Read /docs and /openapi.json as a browser would, and call the token endpoint from the API's own origin."""
        for path in ("/docs", "/openapi.json"):
            answer = self.api.send("GET", self.api.url + path)
            if answer.status != HTTPStatus.OK:
                raise Failed(f"{path} answered HTTP {answer.status}")
        if "content-security-policy" not in {
            name.lower() for name in self.api.send("GET", f"{self.api.url}/docs").headers
        }:
            raise Failed("/docs came without a Content-Security-Policy")
        preflight = {"Origin": self.api.url, "Access-Control-Request-Method": "POST"}
        if self.api.platform.is_local:
            return "/docs and /openapi.json answer; the token endpoint has the same origin here"
        answer = self.api.send("OPTIONS", self.api.token_url, None, preflight)
        allowed = {name.lower(): value for name, value in answer.headers.items()}.get("access-control-allow-origin")
        if allowed not in {"*", self.api.url}:
            raise Failed(f"the token endpoint does not answer the origin {self.api.url}: /docs cannot get tokens")
        return "/docs and /openapi.json answer, and the token endpoint answers their origin"

    def odd_identifiers(self) -> str:
        """Request identifiers that paths and forms tend to change, one by one; each response must name its own."""
        for identifier in ODD:
            query = urlencode({"identifier_type": "customer_id", "identifier": identifier, "fields": "customer_id"})
            answer = self.api.call("GET", f"/v1/profiles?{query}")
            body = answer.json()
            found = answer.status == HTTPStatus.OK and body["identifier"] == identifier
            missing = answer.status == HTTPStatus.NOT_FOUND and str(body.get("type", "")).endswith("no-such-user")
            if not found and not missing:
                raise Failed(
                    f"identifier {ODD.index(identifier) + 1} of {len(ODD)} got HTTP {answer.status}, or another"
                )
        listed = self.api.ok("POST", "/v1/lookups", {"identifiers": ODD, "fields": ["customer_id"]})
        if [one["identifier"] for one in listed["outcomes"]] != list(ODD):
            raise Failed("a list of them came back changed")
        return f"{len(ODD)} identifiers with reserved characters were answered as themselves"

    def request_upload(self) -> str:
        """Get an upload URL that is used much later."""
        body = b"late-1\nlate-2\n"
        self.upload = self.api.ok("POST", "/v1/rosters", {"bytes": len(body)}) | {"body": body}
        self.upload_from = time.monotonic()
        return "an upload URL is kept for later"

    def late_upload(self) -> str:
        """Use the upload URL near its end."""
        if self.api.platform.is_local:
            raise Skipped("the embedded AWS does not look at a URL's age")
        upload = self.upload["upload"]
        life = float(upload["expires_in"])
        while time.monotonic() - self.upload_from < LATE * life:
            time.sleep(LOOK)
        put = self.api.send("PUT", upload["url"], self.upload["body"], upload.get("headers", {}))
        if put.status != HTTPStatus.OK:
            raise Failed(f"an upload {LATE:.0%} into its URL's life was answered with HTTP {put.status}")
        return f"taken {LATE * life:.0f} s after the URL was made"

    def start_roster(self) -> str:
        """Upload the roster and submit its lookup."""
        body = self.roster.read_bytes() if self.roster else _generated(self.size)
        made = self.api.ok("POST", "/v1/rosters", {"bytes": len(body)})
        put = self.api.send("PUT", made["upload"]["url"], body, made["upload"].get("headers", {}))
        if put.status != HTTPStatus.OK:
            raise Failed(f"the roster's upload was answered with HTTP {put.status}")
        self.lookup_id = str(self.api.ok("POST", "/v1/lookups", {"roster_id": made["roster_id"]})["lookup_id"])
        return f"{self.lookup_id} is under way"

    def is_under_way(self) -> bool:
        """Return whether the roster's lookup has not ended yet."""
        return bool(self.api.ok("GET", f"/v1/lookups/{self.lookup_id}")["state"] == "active")

    def finish_roster(self) -> str:
        """Wait for the lookup's end; its sums, its pace and its number of parts must be right."""
        ended = self._watched()
        counts = ended["counts"]
        outcomes = sum(counts[name] for name in ("found", "not_found", "invalid", "failed"))
        if outcomes != counts["requested"]:
            raise Failed(f"{counts['requested']} were requested, {outcomes} have an outcome")
        if ended["parts"] <= HOPS:
            raise Failed(f"{ended['parts']} parts are no proof: take a roster of over {HOPS * PART_LIMIT} identifiers")
        return f"{outcomes} outcomes of {counts['requested']} requested, {counts['failed']} failed, {self._pace()}"

    def _watched(self) -> dict[str, Any]:
        self.samples, last = [], time.monotonic()
        while True:
            lookup = self.api.ok("GET", f"/v1/lookups/{self.lookup_id}")
            done = sum(lookup["counts"][name] for name in ("found", "not_found", "invalid", "failed"))
            now = time.monotonic()
            if not self.samples or done != self.samples[-1].outcomes:
                last = now
            self.samples.append(Sample(now, done))
            if lookup["state"] != "active":
                return lookup
            if now - last > MAX_IDLE_SECONDS:
                raise Failed(f"nothing new for {MAX_IDLE_SECONDS:.0f} s after {done} outcomes")
            time.sleep(LOOK)

    def _pace(self) -> str:
        quota = self.api.stage.workspaces["default"].quota
        reached = pace(self.samples, quota.limit / quota.window, quota.window)
        if self.api.platform.is_local:
            return f"{reached:.0%} of the quota (the machine's pace, not AWS's)"
        if reached < PACE_LEAST:
            raise Failed(f"{reached:.0%} of the quota was used, {PACE_LEAST:.0%} are wanted")
        return f"{reached:.0%} of the quota"

    def schedule(self) -> str:
        """Create a schedule in another time zone that is due in two minutes, and wait for its lookup."""
        roster_id = self._small_roster()
        due = (datetime.now(UTC) + timedelta(minutes=2)).astimezone(ZoneInfo(TIME_ZONE)).replace(second=0)
        expression = f"cron({due.minute} {due.hour} {due.day} {due.month} ? {due.year})"
        body = {"roster_id": roster_id, "expression": expression, "time_zone": TIME_ZONE}
        self.api.ok("PUT", "/v1/schedules/rehearsal", body)
        try:
            fired = self._fired(time.monotonic() + 300)
        finally:
            self.api.call("DELETE", "/v1/schedules/rehearsal")
        return f"due at {due:%H:%M} in {TIME_ZONE}, fired as {fired}"

    def _fired(self, give_up: float) -> str:
        while time.monotonic() < give_up:
            last = self.api.ok("GET", "/v1/schedules/rehearsal").get("last_lookup_id")
            if last:
                return str(last)
            time.sleep(LOOK)
        raise Failed("the schedule did not fire within three minutes of its time")

    def _small_roster(self) -> str:
        body = b"rehearsal-1\n"
        made = self.api.ok("POST", "/v1/rosters", {"bytes": len(body)})
        put = self.api.send("PUT", made["upload"]["url"], body, made["upload"].get("headers", {}))
        if put.status != HTTPStatus.OK:
            raise Failed(f"a roster's upload was answered with HTTP {put.status}")
        return str(made["roster_id"])


def pace(samples: Sequence[Sample], per_second: float, window: float) -> float:
    """Return the share of `per_second` that was reached from the end of the first window to the last new outcome.

    1.0 when all was done within the first window, whose quota is there at once.
    """
    begin = samples[0].at + window
    end = next((one for one in samples if one.outcomes == samples[-1].outcomes), samples[-1])
    later = [one for one in samples if begin <= one.at <= end.at]
    if len(later) < 2 or math.isclose(later[0].at, later[-1].at):  # noqa: PLR2004 - a stretch has two ends
        return 1.0
    return (later[-1].outcomes - later[0].outcomes) / (later[-1].at - later[0].at) / per_second


def _generated(size: int) -> bytes:
    return "".join(f"rehearsal-{number:06}\n" for number in range(size)).encode()
