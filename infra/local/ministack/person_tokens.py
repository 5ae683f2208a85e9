"""What Cognito's tokens of people hold: the access token lists the groups, also one that a refresh token renews.

MiniStack leaves them out of renewed ones:
https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cognito  # type: ignore[import-untyped]  # ships no types

Make = Callable[..., str]


def list_groups() -> None:
    """List a person's groups in every token of it."""
    cognito._fake_token = _with_groups(cognito._fake_token)  # noqa: SLF001 - the one place where tokens are made


def _with_groups(make: Make) -> Make:
    def made(sub: str, pool_id: str, client_id: str, kind: str, *rest: Any, **facts: Any) -> str:  # noqa: ANN401 - as MiniStack's
        if facts.get("username") and not facts.get("groups"):
            user = (cognito._get_pool_unscoped(pool_id) or {}).get("_users", {}).get(facts["username"], {})  # noqa: SLF001 - as above
            facts["groups"] = user.get("_groups", [])
        return make(sub, pool_id, client_id, kind, *rest, **facts)

    return made
