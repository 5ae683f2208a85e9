"""Rosters in the bucket: uploaded by partners, pinned by version, checked before they are accepted, unpacked once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.errors import InvalidInput, NotFound
from lookup.ledger.model import Roster
from lookup.model import Identifier, InvalidIdentifier
from lookup.rosters.counting import COUNTED_BYTES, count_entries
from lookup.rosters.formats.detection import Kind
from lookup.rosters.formats.parsing import entry_line
from lookup.rosters.keys import inline_key
from lookup.rosters.opening import check_opening
from lookup.rosters.preview import Preview, preview_of
from lookup.rosters.reader import CHUNK, translate_s3_error
from lookup.rosters.unpacking import GZIP_MAGIC, MEGABYTE, RATIO_FREE, Bounds, Unpacker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef


class RosterStore:
    """The rosters of one bucket, under `rosters/<partner>/`: at most `megabytes`, and when unpacked within `bounds`."""

    def __init__(
        self,
        client: S3Client,
        bucket_name: str,
        *,
        megabytes: int = 256,
        bounds: Bounds | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._megabytes = megabytes
        self._bounds = bounds or Bounds()

    def pin(self, key: str, *, count_to: int | None = None) -> Roster:
        """Check a roster's size and its first 64 KB, and pin its version. Raises `InvalidInput` saying what is wrong.

        Of a longer one the number of entries is estimated; with `count_to` it is counted, until it is over that. What
        is too long to be counted within a request is `counted` in part.
        What S3 does wrong, such as throttling, is no fault of the roster's and is raised as it came.
        """
        begun = self._begun(key)
        if begun.is_whole or count_to is None:
            return begun.roster
        if begun.roster.gzipped:
            return replace(begun.roster, counted=begun.entries)
        return self._counted(begun.roster, count_to)

    def preview(self, key: str) -> tuple[Roster, Preview]:
        """Return what a lookup would make of a roster, by its first 64 KB. Raises `InvalidInput` as `pin` does."""
        begun = self._begun(key)
        return begun.roster, preview_of(begun.text, is_whole=begun.is_whole)

    def _begun(self, key: str) -> _Begun:
        """Read and check a roster's first 64 KB."""
        head = self._head(key)
        opening, size = head["Body"].read(), int(head["ContentRange"].rpartition("/")[2])
        if size > self._megabytes * MEGABYTE:
            raise InvalidInput("roster", f"is over {self._megabytes} MB")
        gzipped = opening.startswith(GZIP_MAGIC)
        text = self._unpacked(opening) if gzipped else _Opened(opening, len(opening), len(opening))
        is_whole = text.is_all_of(size)
        written, found = check_opening(text.begin, is_whole=is_whole)
        estimate = len(found) if is_whole else text.scale_estimate(len(found), size)
        needs_rewriting = gzipped or written.kind is Kind.JSON
        roster = Roster(key, head.get("VersionId"), size, max(1, estimate), needs_rewriting)
        return _Begun(roster, text.begin, len(found), is_whole)

    def _head(self, key: str) -> GetObjectOutputTypeDef:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{CHUNK - 1}")
        except ClientError as error:
            raise _unpinned(error) from None

    def _unpacked(self, opening: bytes) -> _Opened:
        """Unpack the first bytes of a gzip roster, to two megabytes of text. Raises `InvalidInput` over the ratio."""
        unpacker, text = Unpacker(self._bounds, piece=CHUNK), b""
        for piece in unpacker.unpacked([opening], quietly=True):
            text += piece[: CHUNK - len(text)]
            if unpacker.text > 2 * RATIO_FREE:
                break
        return _Opened(text, unpacker.text, unpacker.packed)

    def _counted(self, roster: Roster, most: int) -> Roster:
        """Count a roster's entries as far as a request has the time; the rest is counted when it is converted."""
        begin = min(roster.size, COUNTED_BYTES + CHUNK)
        pinned = {"VersionId": roster.version_id} if roster.version_id else {}
        answer = self._client.get_object(Bucket=self._bucket, Key=roster.key, Range=f"bytes=0-{begin - 1}", **pinned)  # type: ignore[arg-type]  # a version, or nothing
        with closing(answer["Body"]) as body:
            counted, is_all = count_entries(body.iter_chunks(CHUNK), most)
        if is_all:
            return replace(roster, entries=counted)
        longer = replace(roster, entries=max(counted, roster.entries))
        return longer if counted > most else replace(longer, counted=counted)

    def write(self, lookup_id: str, entries: Iterable[Identifier | InvalidIdentifier]) -> Roster:
        """Keep identifiers that came inline as a roster; what is invalid stays so, with its reason."""
        kept = [entry_line(one) for one in entries]
        body = b"".join(kept)
        key = inline_key(lookup_id)
        answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        return Roster(key, answer.get("VersionId"), len(body), len(kept))


@dataclass(frozen=True, slots=True)
class _Begun:
    """A roster by its first 64 KB: their text, the entries in it, and whether it is all of the text."""

    roster: Roster
    text: bytes
    entries: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """The `begin` of a roster's text, and how many bytes of `text` the first `stored` bytes of the object gave."""

    begin: bytes
    text: int
    stored: int

    def is_all_of(self, size: int) -> bool:
        """Return whether this is the whole text of an object of `size` bytes."""
        return self.stored == size and len(self.begin) == self.text

    def scale_estimate(self, entries: int, size: int) -> int:
        """Estimate the entries of the whole from those at the beginning."""
        return round(entries / len(self.begin) * self.text * size / self.stored)


def _unpinned(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "InvalidRange":  # what S3 says of a range of an empty object
        return InvalidInput("roster", "is empty, or was deleted")
    fault = translate_s3_error(error)
    return InvalidInput("roster", "is unknown, or not uploaded yet") if isinstance(fault, NotFound) else fault
