"""Responses that hold outcomes: as they are, by a link when they are too large, or replayed from the archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.api.responses import Sign, is_too_large, raw_json_response, results_link, without_attributes
from lookup.errors import Forbidden
from lookup.fetch.on_demand import OnDemand, OnDemandResult
from lookup.model import Status
from lookup.partners import Partner
from lookup.results.files import ResultFiles, outcome_json

OutcomeJson = Mapping[str, object]


class OutcomeResponses:
    """Writes the responses of lookups that were served at once."""

    def __init__(self, on_demand: OnDemand, archive: ResultFiles, sign: Sign) -> None:
        self._on_demand = on_demand
        self._archive = archive
        self._sign = sign

    def respond(self, result: OnDemandResult, headers: Mapping[str, str]) -> Response[str]:
        """Return the response with all outcomes."""
        outcomes = [outcome_json(outcome) for outcome in result.outcomes]
        return self._response(result.lookup_id, outcomes, lambda: self.link(result), headers)

    def replay(self, partner: Partner, workspace: str, lookup_id: str, key: str) -> Response[str]:
        """Return once more what was archived under `key`, with the fields that are granted now.

        Raises `Forbidden` without a grant for the workspace, and when only the archived object could be
        returned and it holds more than is granted.
        """
        partner.check_workspace(workspace)
        kept = self._archive.read(key)
        outcomes = [_granted(one, partner) for one in kept]
        return self._response(lookup_id, outcomes, lambda: self._uncut(key, is_cut=outcomes != kept), {})

    def _uncut(self, key: str, *, is_cut: bool) -> str:
        if is_cut:
            raise Forbidden("the answer holds fields that are not granted any more")
        return self._sign(key)

    def link(self, result: OnDemandResult) -> str:
        """Return a URL of the archived outcomes."""
        return self._sign(self._on_demand.archived(result))

    def _response(
        self, lookup_id: str, outcomes: Sequence[OutcomeJson], link: Callable[[], str], headers: Mapping[str, str]
    ) -> Response[str]:
        whole = {"lookup_id": lookup_id, "counts": _counts(outcomes), "outcomes": outcomes}
        body = exact_json.dumps_well_formed(whole)
        if is_too_large(body):
            links = {"attributes_omitted": True, "links": results_link(link())}
            body = exact_json.dumps_well_formed(whole | links | {"outcomes": without_attributes(outcomes)})
        return raw_json_response(body, headers=headers)


def _counts(outcomes: Sequence[OutcomeJson]) -> dict[str, int]:
    by_status = Counter(str(one["outcome"]) for one in outcomes)
    return {"requested": len(outcomes), **{status.value: by_status[status.value] for status in Status}}


def _granted(outcome: Mapping[str, Any], partner: Partner) -> OutcomeJson:
    granted, attributes = partner.fields, outcome["user_attributes"]
    if granted is None:
        return outcome
    return {
        **outcome,
        "changed_fields": [name for name in outcome["changed_fields"] if name in granted],
        "replaced_fields": [name for name in outcome["replaced_fields"] if name in granted],
        "user_attributes": attributes and {name: attributes[name] for name in granted if name in attributes},
    }
