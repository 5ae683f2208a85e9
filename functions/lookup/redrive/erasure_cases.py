"""Dead letters of the queue of erasures: steps that are gone on with while their erasure waits for them."""

from __future__ import annotations

from lookup.erasure.queue import parse_step
from lookup.errors import InvalidInput
from lookup.ledger.erasures import ErasureLedger, ErasureState
from lookup.redrive.cases import Action, Case
from lookup.redrive.letters import Letter

FEWER = "identifiers: must be those of its erasure"


class ErasureCases:
    """Decides on steps: the one that an erasure waits for is sent again, once; what is behind it is dropped."""

    def __init__(self, ledger: ErasureLedger) -> None:
        self._ledger = ledger
        self._sent: set[tuple[str, int]] = set()

    def case(self, letter: Letter) -> Case:
        """Return the case of one message. The step just before the one awaited sends that, if it was lost."""
        try:
            step = parse_step(letter.body)
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        seen = self._ledger.read(step.erasure_id)
        if seen is None or (seen.state is ErasureState.COMPLETED and not seen.rosters):
            return Case(letter, Action.DROP)
        if seen.state is not ErasureState.COMPLETED and len(step.identifiers) != seen.people:
            return Case(letter, Action.LEAVE, reason=FEWER)
        place = step.erasure_id, step.step
        if step.step not in {seen.step, seen.step - 1} or place in self._sent:
            return Case(letter, Action.DROP)
        self._sent.add(place)
        return Case(letter, Action.SEND, seen.workspace)
