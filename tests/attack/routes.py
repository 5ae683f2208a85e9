"""More moves of the adversary: what is made of lookups, what a partner owns beside them, pages, operators' routes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tests.attack.caller import Answer, Caller
from tests.attack.honest import Honest

Refused = Callable[[str, Answer], Answer]  # notes a move that succeeded, which it must not
ODD_NAMES = (
    "../manifest.json", "..%2f..%2fconfig.json", "%00.js", "index.html", ".hidden.js", "config.json", "console.js",
    "console.js/", "a" * 400 + ".js", "ä\r\nSet-Cookie: a=b.js", "<script>.css", "console.js.map",
)  # fmt: skip


@dataclass
class OtherRoutes:
    """Moves of one partner; `lookups` returns its own, and `must_fail` notes what of others' was not refused."""

    caller: Caller
    victims: Sequence[Honest]
    lookups: Callable[[], Sequence[str]]
    must_fail: Refused

    @property
    def moves(self) -> Sequence[Callable[[random.Random], Answer | None]]:
        """Return every kind of move."""
        return [
            self.lookups_for_nobody,
            self.exports,
            self.results,
            self.others_results,
            self.quota,
            self.webhook_tests,
            self.erasures,
            self.others_erasures,
            self.operators_routes,
            self.console_files,
        ]

    def lookups_for_nobody(self, chance: random.Random) -> Answer:
        """Submit lookups that ask for nobody, which may cost no users of the day; and texts as names of people."""
        texts = chance.choice((["unknown"], ["", " ", "\x00"], [{"identifier_type": "email", "identifier": "=1+1;x"}]))
        return self.caller.call("POST", "/v1/lookups", {"identifiers": texts}, {"Prefer": "respond-async"})

    def exports(self, chance: random.Random) -> Answer | None:
        """Have formats made of every lookup, again and again."""
        if not self.lookups():
            return None
        path = f"/v1/lookups/{quote(chance.choice(self.lookups()))}/exports"
        formats = chance.choice((["csv"], ["csv_bom"], ["csv", "csv_bom"], ["parquet"], []))
        return self.caller.call("POST", path, {"formats": formats})

    def results(self, chance: random.Random) -> Answer | None:
        """List files and parts, and ask for files by names that are none."""
        if not self.lookups():
            return None
        path = f"/v1/lookups/{quote(chance.choice(self.lookups()))}/results"
        name = chance.choice(ODD_NAMES)
        return self.caller.call("GET", path + chance.choice((
            "", "?parts=true&limit=100", "?parts=true&after=zzz", "?only=changed", "?format=csv", "?format=exe",
            f"/{quote(name, safe='')}",
        )))  # fmt: skip

    def others_results(self, chance: random.Random) -> Answer:
        """Read what was made of another partner's lookup, or have it made."""
        path = f"/v1/lookups/{chance.choice(self.victims).lookup_id}"
        method, path, body = chance.choice((
            ("GET", f"{path}/results?parts=true", None),
            ("GET", f"{path}/results/hour-00-00001.ndjson.gz", None),
            ("POST", f"{path}/exports", {"formats": ["csv"]}),
        ))  # fmt: skip
        return self.must_fail("others_results", self.caller.call(method, path, body))

    def quota(self, chance: random.Random) -> Answer:
        """Read the quota with all its history, its grants, and another workspace's."""
        return self.caller.call("GET", chance.choice((
            "/v1/quota?minutes=60", "/v1/quota?workspace=other", "/v1/quota?minutes=-1", "/v1/grants",
        )), None, {"If-None-Match": chance.choice(("*", '"x"', 'W/"' + "0" * 4000 + '"'))})  # fmt: skip

    def webhook_tests(self, chance: random.Random) -> Answer:
        """Have the own webhook called, or read what became of that."""
        if chance.random() < 0.5:
            return self.caller.call("GET", "/v1/webhooks/deliveries?limit=100")
        return self.caller.call("POST", "/v1/webhooks/test", {"url": "https://169.254.169.254/", "partner": "large"})

    def erasures(self, chance: random.Random) -> Answer:
        """Have people erased: more than the day allows, the same ones again, and what is nobody."""
        number = chance.choice((1, 1, 2, 100, 101))
        people = [f"attacker-erased-{one}" for one in range(number)]
        answer = self.caller.call("POST", "/v1/erasures", {"identifiers": chance.choice((people, [""], ["\x00"]))})
        path = answer.json().get("links", {}).get("self")
        return self.caller.call("GET", path) if path else answer

    def others_erasures(self, chance: random.Random) -> Answer:
        """Have people of a workspace that is not granted erased, or read an erasure that is not one's own."""
        if chance.random() < 0.5:
            answer = self.caller.call("GET", f"/v1/erasures/erasure-{chance.randrange(16**32):032x}")
        else:
            body = {"identifiers": ["stored-1"], "workspace": "other"}
            answer = self.caller.call("POST", "/v1/erasures", body)
        return self.must_fail("others_erasures", answer)

    def operators_routes(self, chance: random.Random) -> Answer:
        """Do what operators do."""
        method, path, body = chance.choice((
            ("GET", "/v1/operator/partners", None),
            ("GET", "/v1/operator/lookups?partner=large", None),
            ("GET", f"/v1/operator/lookups/{chance.choice(self.victims).lookup_id}", None),
            ("GET", "/v1/operator/dead-letters", None),
            ("POST", "/v1/operator/gate", {"action": "open"}),
            ("POST", "/v1/operator/redrive", {"queue": "parts"}),
        ))  # fmt: skip
        return self.must_fail("operators_routes", self.caller.call(method, path, body))

    def console_files(self, chance: random.Random) -> Answer:
        """Ask for the console's files by names that lead elsewhere, that nobody has, and that are long."""
        name = chance.choice((*ODD_NAMES, f"{chance.random()}.js"))
        method = chance.choice(("GET", "HEAD"))
        return self.caller.call(method, f"/console/{quote(name, safe='%')}", None, {"If-None-Match": '"x", ' * 500})
