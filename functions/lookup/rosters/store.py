"""Rosters in the bucket: checked before they are accepted, and pinned by version."""

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
from lookup.rosters.decompression import GZIP_MAGIC, MEGABYTE, UNCHECKED_BYTES, Bounds, Decompressor
from lookup.rosters.formats.detection import Kind
from lookup.rosters.formats.parsing import entry_line
from lookup.rosters.keys import inline_key
from lookup.rosters.preview import Preview, check_opening, preview_of
from lookup.rosters.reader import CHUNK, translate_s3_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef


class RosterStore:
    """The rosters of one bucket, under `rosters/<partner>/`: at most `megabytes`, decompressed within `bounds`."""

    def __init__(
        self, client: S3Client, bucket_name: str, *, megabytes: int = 256, bounds: Bounds | None = None
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._megabytes = megabytes
        self._bounds = bounds or Bounds()

    def pin(self, key: str, *, count_to: int | None = None) -> Roster:
        """Check a roster's size and its first 64 KB, and pin its version. Raises `InvalidInput` naming the rule.

        The entries of a longer one are estimated; with `count_to` they are counted, up to one more than that. A roster
        too long to be counted within a request has `counted` set. Errors of S3 such as throttling are raised unchanged.
        """
        opened = self._open(key)
        if opened.is_whole or count_to is None:
            return opened.roster
        if opened.roster.needs_rewriting:
            return replace(opened.roster, counted=opened.entries)
        return self._with_count(opened.roster, count_to)

    def preview(self, key: str) -> tuple[Roster, Preview]:
        """Return the preview of a roster by its first 64 KB. Raises `InvalidInput` as `pin` does."""
        opened = self._open(key)
        return opened.roster, preview_of(opened.text, is_whole=opened.is_whole)

    def _open(self, key: str) -> _OpenedRoster:
        """Read and check a roster's first 64 KB."""
        head = self._head(key)
        opening, size = head["Body"].read(), int(head["ContentRange"].rpartition("/")[2])
        if size > self._megabytes * MEGABYTE:
            raise InvalidInput("roster", f"is over {self._megabytes} MB")
        is_gzip = opening.startswith(GZIP_MAGIC)
        text = self._decompressed_head(opening) if is_gzip else _OpenedText(opening, len(opening), len(opening))
        is_whole = text.is_all_of(size)
        written, found = check_opening(text.begin, is_whole=is_whole)
        estimate = len(found) if is_whole else text.scale_estimate(len(found), size)
        needs_rewriting = is_gzip or written.kind is Kind.JSON
        roster = Roster(key, head.get("VersionId"), size, max(1, estimate), needs_rewriting)
        return _OpenedRoster(roster, text.begin, len(found), is_whole)

    def _head(self, key: str) -> GetObjectOutputTypeDef:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{CHUNK - 1}")
        except ClientError as error:
            raise _pin_error(error) from None

    def _decompressed_head(self, opening: bytes) -> _OpenedText:
        """Decompress the start of a gzip roster, to two megabytes of text. Raises `InvalidInput` over the ratio."""
        decompressor, text = Decompressor(self._bounds, piece=CHUNK), b""
        for piece in decompressor.decompress([opening], omit_error_line=True):
            text += piece[: CHUNK - len(text)]
            if decompressor.text > 2 * UNCHECKED_BYTES:
                break
        return _OpenedText(text, decompressor.text, decompressor.packed)

    def _with_count(self, roster: Roster, most: int) -> Roster:
        """Count a roster's entries within a request's time; a longer one is counted when it is converted."""
        begin = min(roster.size, COUNTED_BYTES + CHUNK)
        pinned = {"VersionId": roster.version_id} if roster.version_id else {}
        response = self._client.get_object(Bucket=self._bucket, Key=roster.key, Range=f"bytes=0-{begin - 1}", **pinned)  # type: ignore[arg-type]  # a version, or nothing
        with closing(response["Body"]) as body:
            counted, is_all = count_entries(body.iter_chunks(CHUNK), most)
        if is_all:
            return replace(roster, entries=counted)
        longer = replace(roster, entries=max(counted, roster.entries))
        return longer if counted > most else replace(longer, counted=counted)

    def write(self, lookup_id: str, entries: Iterable[Identifier | InvalidIdentifier]) -> Roster:
        """Write inline identifiers as a roster; invalid ones keep their reasons."""
        lines = [entry_line(one) for one in entries]
        body = b"".join(lines)
        key = inline_key(lookup_id)
        response = self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        return Roster(key, response.get("VersionId"), len(body), len(lines))


@dataclass(frozen=True, slots=True)
class _OpenedRoster:
    """A roster by its first 64 KB: their text, its number of entries, and whether that is all."""

    roster: Roster
    text: bytes
    entries: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _OpenedText:
    """The `begin` of a roster's text, and the `text` bytes to which the first `stored` bytes decompress."""

    begin: bytes
    text: int
    stored: int

    def is_all_of(self, size: int) -> bool:
        """Return whether this is the whole text of an object of `size` bytes."""
        return self.stored == size and len(self.begin) == self.text

    def scale_estimate(self, entries: int, size: int) -> int:
        """Return the estimated entries of the whole object by those at its beginning."""
        return round(entries / len(self.begin) * self.text * size / self.stored)


def _pin_error(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "InvalidRange":  # S3's error for a range of an empty object
        return InvalidInput("roster", "is empty, or was deleted")
    translated = translate_s3_error(error)
    return InvalidInput("roster", "is unknown, or not uploaded yet") if isinstance(translated, NotFound) else translated
