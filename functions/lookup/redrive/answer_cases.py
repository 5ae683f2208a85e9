"""Dead letters of the answers queue: records that no object of S3 has yet. To write them costs no quota."""

from __future__ import annotations

from lookup.errors import InvalidInput
from lookup.redrive.cases import Action, Case
from lookup.redrive.letters import Letter
from lookup.results.answers import Answer


class AnswerCases:
    """Decides on answers at once: each that can be read is sent again; written twice, it is collected once."""

    def case(self, letter: Letter) -> Case:
        """Return the case of one message."""
        try:
            answer = Answer.of_message(letter.body)
            answer.lines()
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        return Case(letter, Action.SEND, answer.workspace)
