"""The operators' routes as operators read them."""

from __future__ import annotations

from lookup.api.openapi import examples
from lookup.api.openapi.operations import NO_NEW_PAGE, NOT_CHANGED, WITH_A_BODY, Reply, operation
from lookup.api.openapi.problem_types import Problem

LIST_PARTNERS = operation(
    "listPartners",
    "List partners with their use of today",
    "Users of the day are counted of partners with a limit only; lookups and users that wait are the workspace's.",
    tag="Operators",
    replies={200: Reply("The partners, by name.", "PartnerPage", examples.PARTNERS, ("ETag",)), 304: NOT_CHANGED},
    tells=(Problem.FORBIDDEN,),
)
LIST_ALL_LOOKUPS = operation(
    "listAllLookups",
    "List lookups of all partners",
    "A workspace's lookups that have not ended, of all partners; with `partner` that partner's of any state, newest "
    "first.",
    tag="Operators",
    replies={
        200: Reply("A page.", "OperatorLookupPage", examples.OPERATOR_LOOKUPS, ("ETag", "Link")),
        304: NO_NEW_PAGE,
    },
    tells=(Problem.FORBIDDEN,),
)
GET_ANY_LOOKUP = operation(
    "getAnyLookup",
    "Read a lookup of any partner",
    "As its partner sees it, with whose it is: state, counts, progress, and an estimate while it runs. Its results and "
    "what is done with it stay its partner's.",
    tag="Operators",
    replies={200: Reply("The lookup.", "OperatorLookup", examples.OPERATOR_LOOKUP, ("ETag",)), 304: NOT_CHANGED},
    tells=(Problem.FORBIDDEN, Problem.NOT_FOUND),
)
COUNT_DEAD_LETTERS = operation(
    "countDeadLetters",
    "Count dead letters",
    "About how many there are of each queue, as SQS counts, 15 seconds old at most.",
    tag="Operators",
    replies={200: Reply("The queues.", "DeadLetterCounts", examples.DEAD_LETTERS, ("ETag",)), 304: NOT_CHANGED},
    tells=(Problem.FORBIDDEN,),
)
STEER_GATE = operation(
    "steerGate",
    "Open a gate",
    "Whatever closed it; if the cause is still there, the next call closes it again. What a 429 has lowered the limit "
    "to stays. The act is logged with who did it.",
    tag="Operators",
    replies={200: Reply("The gate, opened.", "SteeredGate", examples.STEERED_GATE)},
    tells=(*WITH_A_BODY, Problem.FORBIDDEN, Problem.CONFLICT, Problem.BUSY),
)
POST_REDRIVE = operation(
    "redriveDeadLetters",
    "Send dead letters back to their queue",
    "Up to 100 letters: a message goes back as it is, a part that was counted as failed is retried with its lookup, "
    "one that is settled is dropped, one that cannot be processed is left, for a minute out of the next page's way. "
    "`dry_run=true` says so and changes nothing. Repeat while there are more. The act is logged with who did it.",
    tag="Operators",
    replies={200: Reply("What is done, or would be, and its cost.", "Redriven", examples.REDRIVEN)},
    tells=(*WITH_A_BODY, Problem.FORBIDDEN, Problem.CONFLICT),
)
