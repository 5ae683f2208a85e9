"""Copies of rosters that cannot be read by byte ranges as they were uploaded: unpacked once, as a stream."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TypedDict

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from lookup.errors import InvalidInput
from lookup.ledger.model import Roster
from lookup.rosters.conversion import to_lines, unpacked_text
from lookup.rosters.counting import count_entries
from lookup.rosters.keys import copy_key
from lookup.rosters.reader import CHUNK, translate_s3_error
from lookup.rosters.unpacking import MEGABYTE, Bounds

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

ONE_BY_ONE = TransferConfig(use_threads=False, multipart_chunksize=8 * 1024 * 1024)
IsLate = Callable[[], bool]


class ObjectVersion(TypedDict, total=False):
    """The arguments that name an object, or a version of it."""

    Bucket: str
    Key: str
    VersionId: str


class RosterCopies:
    """Copies in one bucket, within `bounds`. A conversion that takes too long, by `is_late`, is refused."""

    def __init__(self, client: S3Client, bucket_name: str, bounds: Bounds) -> None:
        self._client = client
        self._bucket = bucket_name
        self._bounds = bounds

    def unpack(self, roster: Roster, lookup_id: str, is_late: IsLate) -> Roster:
        """Write a gzip roster or a JSON document as lines of text; an unreadable rest is one invalid line.

        Raises `InvalidInput` when it passes the bounds; then there is no copy.
        """
        key = copy_key(roster.key, lookup_id)
        with closing(self._open(roster)) as body:
            text = unpacked_text(_check_time(body.iter_chunks(CHUNK), is_late), bounds=self._bounds)
            source = io.BufferedReader(_Stream(self._bounded(to_lines(_check_time(text, is_late)))), CHUNK)
            self._client.upload_fileobj(source, self._bucket, key, Config=ONE_BY_ONE)
        head = self._client.head_object(Bucket=self._bucket, Key=key)
        return Roster(key, head.get("VersionId"), head["ContentLength"], roster.entries)

    def _bounded(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield lines within the bounds: those of a JSON document are longer than its own text."""
        size = 0
        for piece in lines:
            size += len(piece)
            if size > self._bounds.megabytes * MEGABYTE:
                raise InvalidInput("roster", f"holds over {self._bounds.megabytes} MB of lines")
            yield piece

    def count(self, roster: Roster, most: int, is_late: IsLate) -> int:
        """Return the number of entries of a roster of plain text; above `most`, any number above it."""
        with closing(self._open(roster)) as body:
            return count_entries(_check_time(body.iter_chunks(CHUNK), is_late), most, size=None)[0]

    def _open(self, roster: Roster) -> StreamingBody:
        request = ObjectVersion(Bucket=self._bucket, Key=roster.key)
        if roster.version_id:
            request["VersionId"] = roster.version_id
        try:
            return self._client.get_object(**request)["Body"]
        except ClientError as error:
            raise translate_s3_error(error) from None


def _check_time(chunks: Iterable[bytes], is_late: IsLate) -> Iterator[bytes]:
    for chunk in chunks:
        if is_late():
            raise InvalidInput("roster", "takes too long to convert: split it")
        yield chunk


class _Stream(io.RawIOBase):
    """Chunks as the file object that boto3 uploads."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the one use
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)
