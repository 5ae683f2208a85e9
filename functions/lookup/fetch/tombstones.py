"""Who is erased: keyed hashes of identifiers, cached for half a minute; nobody erased is fetched, stored or returned.

The key is a secret of the stack. Each tombstone names the version of the secret that made its hash, so that a rotated
secret leaves the older ones in force for as long as Secrets Manager keeps that version.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lookup import exact_json
from lookup.errors import Misconfigured
from lookup.ledger.erasures import ErasureLedger, TombstoneSet
from lookup.model import ERASED, Attributes, Clock, Identifier, IdentifierType, InvalidIdentifier, Outcome, Status
from lookup.moengage.lenient_json import spellings_of
from lookup.moengage.matching import ID_ATTRIBUTES
from lookup.results.erased_records import redacted
from lookup.validation import ParsedIdentifier

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHED_SECONDS = 30.0
HASH_BYTES = 16
KINDS = frozenset(one.value for one in IdentifierType)


class HashKeys:
    """The versions of the secret with which identifiers are hashed."""

    def __init__(self, client: SecretsManagerClient, secret_id: str | None) -> None:
        self._client = client
        self._secret_id = secret_id
        self._keys: dict[str, bytes] = {}
        self._newest: bytes | None = None

    def current(self) -> tuple[str, bytes]:
        """Return the version and the key with which new tombstones are made. Raises `Misconfigured`."""
        return self._read()

    def of(self, version: str) -> bytes:
        """Return the key of a version. Raises `Misconfigured` when it is gone."""
        if version not in self._keys:
            self._read(VersionId=version)
        return self._keys[version]

    def previous(self) -> bytes | None:
        """Return the key before the current one; None when there was none, or it is gone."""
        try:
            return self._read(VersionStage="AWSPREVIOUS")[1]
        except Misconfigured:
            return None

    def owner_of(self, workspace: str, identifier: Identifier) -> str:
        """Return the hash by which a user's objects are named, with the newest key that this instance knows."""
        if self._newest is None:
            self._newest = self.current()[1]
        return hash_of(self._newest, workspace, identifier).hex()

    def _read(self, **which: str) -> tuple[str, bytes]:
        if self._secret_id is None:
            raise Misconfigured("erasure_secret_id", "is not set for this function")
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_id, **which)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise Misconfigured("erasure_secret_id", "lacks a version with which tombstones were made") from None
        key = answer["SecretString"].encode()
        self._keys[answer["VersionId"]] = key
        return answer["VersionId"], key


def hash_of(key: bytes, workspace: str, identifier: Identifier) -> bytes:
    """Return the keyed hash of an identifier of a workspace."""
    text = f"{workspace}\x1f{identifier.identifier_type.value}\x1f{identifier.identifier}"
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)[:HASH_BYTES]


class Tombstones:
    """The tombstones of all workspaces, at most `CACHED_SECONDS` old."""

    def __init__(self, ledger: ErasureLedger, keys: HashKeys, clock: Clock) -> None:
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._version = 0
        self._looked_at = float("-inf")
        self._sets: Sequence[TombstoneSet] = ()
        self._joined: dict[str, Mapping[str, set[bytes]]] = {}
        self._joined_until = float("-inf")

    def erased(self, workspace: str, identifiers: Iterable[Identifier]) -> frozenset[Identifier]:
        """Return which of the identifiers are erased."""
        hashes = self._of(workspace)
        if not hashes:
            return frozenset()
        return frozenset(
            one
            for one in identifiers
            if any(hash_of(self._keys.of(version), workspace, one) in known for version, known in hashes.items())
        )

    def names_erased(self, workspace: str, user: Attributes) -> bool:
        """Return whether a user's attributes hold the identifier of somebody erased."""
        return bool(self._of(workspace)) and bool(self.erased(workspace, identifiers_of(user)))

    def kept_entries(self, workspace: str, entries: Sequence[ParsedIdentifier]) -> Sequence[ParsedIdentifier]:
        """Return entries of an inline roster, with those of erased people as invalid ones that do not name them."""
        erased = self.erased(workspace, [one for one in entries if isinstance(one, Identifier)])
        if not erased:
            return entries
        return [
            InvalidIdentifier("", ERASED, one.identifier_type.value)
            if isinstance(one, Identifier) and one in erased
            else one
            for one in entries
        ]

    def kept_lines(self, workspace: str, lines: bytes) -> bytes:
        """Return records as lines of JSON, with those of erased people as records that name nobody."""
        if not self._of(workspace):
            return lines
        return b"".join(self._kept(workspace, line) for line in lines.splitlines(keepends=True))

    def _kept(self, workspace: str, line: bytes) -> bytes:
        facts: Any = exact_json.loads(line)
        kind, identifier, user = (facts.get(name) for name in ("identifier_type", "identifier", "user_attributes"))
        named = [] if identifier is None or kind not in KINDS else [Identifier(IdentifierType(kind), identifier)]
        if not self.erased(workspace, [*named, *identifiers_of(user or {})]):
            return line
        return exact_json.dumps_well_formed(redacted(facts)) + b"\n"

    def outcomes(self, workspace: str, identifiers: Iterable[Identifier]) -> dict[Identifier, Outcome]:
        """Return the outcomes of those that are erased."""
        return {one: Outcome(one, Status.INVALID, ERASED) for one in self.erased(workspace, identifiers)}

    def current(self) -> Sequence[TombstoneSet]:
        """Return all tombstones as they are now."""
        self._looked_at = float("-inf")
        self._refresh()
        return self._sets

    def _of(self, workspace: str) -> Mapping[str, set[bytes]]:
        """Return the hashes that count in a workspace, by the version of their key; joined once, not for each user."""
        self._refresh()
        now = self._clock()
        if now >= self._joined_until:
            self._sets = [one for one in self._sets if one.until > now]
            self._joined.clear()
            self._joined_until = min((one.until for one in self._sets), default=float("inf"))
        if workspace not in self._joined:
            hashes: dict[str, set[bytes]] = {}
            for one in self._sets:
                if one.workspace == workspace:
                    hashes.setdefault(one.key_version, set()).update(one.hashes)
            self._joined[workspace] = hashes
        return self._joined[workspace]

    def _refresh(self) -> None:
        now = self._clock()
        if now < self._looked_at + CACHED_SECONDS:
            return
        version = self._ledger.version()
        if version != self._version:
            self._sets = self._ledger.tombstones()
            self._version = version
            self._joined_until = float("-inf")
        self._looked_at = now


def identifiers_of(user: Attributes) -> list[Identifier]:
    """Return the identifiers that a user's attributes hold."""
    return [
        Identifier(kind, spelling)
        for names in ID_ATTRIBUTES
        for kind, name in names.items()
        for spelling in spellings_of(user.get(name))
    ]
