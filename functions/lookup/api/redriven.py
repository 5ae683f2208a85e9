"""A page of redriven dead letters as an answer: what is done about them, and what that costs of the quota."""

from __future__ import annotations

from collections import Counter

from lookup.bulk.estimates import minutes
from lookup.redrive.cases import Action
from lookup.redrive.paged import RedrivenPage
from lookup.redrive.queue_redrive import users_of
from lookup.settings import Settings

NAMES = {Action.SEND: "sent", Action.RETRY: "retried", Action.DROP: "dropped", Action.LEAVE: "left"}


def redriven_json(queue: str, page: RedrivenPage, settings: Settings) -> dict[str, object]:
    """Write a page; costs are by workspace, those of all letters extrapolated from the page."""
    actions = Counter(case.action for case in page.cases)
    reasons = Counter(case.reason for case in page.cases if case.reason)
    of_all = users_of({queue: page.cases}, {queue: page.waiting})
    return {
        "queue": queue,
        "waiting": page.waiting,
        "seen": len(page.cases),
        "actions": {NAMES[action]: actions[action] for action in Action},
        "users": dict(+users_of({queue: page.cases}, {})),
        "users_of_all": dict(+of_all),
        "minutes": {
            name: round(minutes(users, quota.limit, quota.window), 1)
            for name, users in (+of_all).items()
            if name in settings.workspaces
            for quota in (settings.workspaces[name].quota,)
        },
        "left_because": [{"reason": reason, "letters": number} for reason, number in reasons.most_common()],
    }
