"""The simulator's users: synthetic ones for any identifier, and those that the admin route sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.simulator.users.attributes import Attributes, attributes_of, share_of
from infra.local.simulator.users.identity import customer_id_of, id_of

MISSING_PREFIX = "missing-"
# Never valid as a customer id (MoEngage, "Get User"): no user has one of these.
JUNK = frozenset((
    "unknown", "guest", "null", "0", "1", "true", "false", "user_attribute_unique_id", "(empty)", "na", "n/a",
    "dummy_seller_code", "user_id", "id", "customer_id", "uid", "userid", "none", "-2", "-1", "2",
))  # fmt: skip


def person_of(identifier_type: str, identifier: str) -> str:
    """Return the customer id of whom an identifier of either type names."""
    return identifier if identifier_type == "customer_id" else customer_id_of(identifier)


@dataclass(slots=True)
class Population:
    """The users of all workspaces. A user that was set is of one workspace; synthetic ones are the same in all.

    `set_users`: attributes by workspace and customer id, None for a user that does not exist.
    `versions`: by customer id; others have `version`.
    """

    not_found_share: float = 0.1
    version: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    set_users: dict[tuple[str, str], Attributes | None] = field(default_factory=dict)

    def find(self, workspace_id: str, identifier_type: str, identifier: str) -> Attributes | None:
        """Return the user's attributes, None when there is no such user."""
        person = person_of(identifier_type, identifier)
        if (workspace_id, person) in self.set_users:
            return self.set_users[workspace_id, person]
        if person.startswith(MISSING_PREFIX) or len(person) <= 1 or person.lower() in JUNK:
            return None
        if share_of("exists", person) < self.not_found_share:
            return None
        return attributes_of(person, self.versions.get(person, self.version))

    def set_user(
        self, workspace_id: str, identifier: tuple[str, str], attributes: dict[str, Any] | None, *, exact: bool
    ) -> None:
        """Set a user's attributes; unless `exact`, `customer_id` and `id` are added where absent."""
        person = person_of(*identifier)
        if attributes is not None and not exact:
            attributes = {"customer_id": person, "id": id_of(person)} | attributes
        self.set_users[workspace_id, person] = attributes

    def set_version(self, version: int, identifier: tuple[str, str] | None) -> None:
        """Set how many times one user, or all that have no version of their own, have changed."""
        if identifier is None:
            self.version = version
        else:
            self.versions[person_of(*identifier)] = version
