"""Dead letters of the results queue: what is not collected yet is asked for again, which costs no quota."""

from __future__ import annotations

import json

from lookup.collection.queue import CollectionRequest, parse_collection
from lookup.errors import InvalidInput
from lookup.ledger.collecting.collections import Collection, CollectionLedger, CollectionState, is_over
from lookup.ledger.collecting.exports import ExportState
from lookup.ledger.lookups import LookupLedger
from lookup.redrive.cases import Action, Case
from lookup.redrive.letters import Letter


class ResultsCases:
    """Decides on collections and exports: each is sent again unless it is done, or its lookup is gone or runs again."""

    def __init__(self, ledger: LookupLedger, collections: CollectionLedger) -> None:
        self._ledger = ledger
        self._collections = collections

    def case(self, letter: Letter) -> Case:
        """Return the case of one message."""
        workspace = _workspace_of_hour(letter.body)
        if workspace is not None:
            return Case(letter, Action.SEND, workspace)
        try:
            request = parse_collection(letter.body)
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        lookup = self._ledger.get(request.lookup_id)
        if lookup is None or not is_over(lookup):
            return Case(letter, Action.DROP)
        found = self._collections.read(request.lookup_id)
        is_at_this_end = found is not None and found.ended_at == lookup.finished_at
        is_done = found is not None and is_at_this_end and _is_done(found, request)
        is_void = request.export is not None and not is_at_this_end
        return Case(letter, Action.DROP if is_done or is_void else Action.SEND, lookup.spec.workspace)


def _is_done(found: Collection, request: CollectionRequest) -> bool:
    if request.export is None:
        return found.state is CollectionState.READY and found.is_announced
    export = found.exports.get(request.export)
    return export is None or export.state is not ExportState.COLLECTING


def _workspace_of_hour(body: str) -> str | None:
    """Return the workspace of a message that asks for an hour of single answers, which may be collected twice."""
    try:
        match json.loads(body):
            case {"workspace": str(workspace), "hour": str()}:
                return workspace
    except ValueError:
        pass
    return None
