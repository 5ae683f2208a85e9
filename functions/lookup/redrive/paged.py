"""A page of dead letters looked at, or redriven, within one request: operators repeat it until nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookup.ledger.transitions import Transitions
from lookup.model import Clock
from lookup.redrive.cases import Action, Case
from lookup.redrive.decisions import Decide
from lookup.redrive.letters import Letter, letters, letters_waiting
from lookup.redrive.queue_redrive import QueueRedrive

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PAGE = 100  # letters of one request
SECONDS = 15.0  # after which a request begins with no further letter: it ends long before its own time
VISIBILITY_SECONDS = 60  # a request that dies gives its letters back after so long


@dataclass(frozen=True, slots=True)
class QueueUrls:
    """A queue and its dead letters."""

    queue: str
    dead_letters: str


@dataclass(frozen=True, slots=True)
class RedrivenPage:
    """About how many letters waited before, and those that were seen, each with what is or was done about it."""

    waiting: int
    cases: Sequence[Case]


class PagedRedrive:
    """Redrives the queues of `urls` by their names, each as `decisions` has it."""

    def __init__(
        self,
        sqs: SQSClient,
        urls: Callable[[], Mapping[str, QueueUrls]],
        *,
        decisions: Mapping[str, Callable[[], Decide]],
        states: Transitions,
        clock: Clock,
    ) -> None:
        self._sqs = sqs
        self._urls = urls
        self._decisions = decisions
        self._states = states
        self._clock = clock

    def look(self, queue: str) -> RedrivenPage:
        """Return what would be done about the first letters; each is visible again afterwards."""
        urls = self._urls()[queue]
        waiting = letters_waiting(self._sqs, urls.dead_letters)
        redrive, decide = self._redrive(urls), self._decisions[queue]()
        cases = [decide(letter) for letter in self._letters(urls)]
        for case in cases:
            redrive.put_back(case)
        return RedrivenPage(waiting, cases)

    def carry_out(self, queue: str) -> RedrivenPage:
        """Do it about the first letters. Those that are left stay invisible for a minute: the next page sees others."""
        urls = self._urls()[queue]
        waiting = letters_waiting(self._sqs, urls.dead_letters)
        redrive, decide, until = self._redrive(urls), self._decisions[queue](), self._clock() + SECONDS
        cases: list[Case] = []
        for letter in self._letters(urls):
            case = decide(letter)
            cases.append(case)
            if case.action is not Action.LEAVE:
                redrive.carry_out(case)
            if self._clock() >= until:
                break
        return RedrivenPage(waiting, cases)

    def _letters(self, urls: QueueUrls) -> Iterator[Letter]:
        return letters(self._sqs, urls.dead_letters, most=PAGE, visibility=VISIBILITY_SECONDS)

    def _redrive(self, urls: QueueUrls) -> QueueRedrive:
        return QueueRedrive(self._sqs, self._states, urls.queue, urls.dead_letters)
