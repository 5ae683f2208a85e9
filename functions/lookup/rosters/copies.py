"""Copies of rosters that cannot be read by byte ranges as they were uploaded: converted once, as a stream."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError
from s3transfer.futures import NonThreadedExecutor
from s3transfer.manager import TransferConfig, TransferManager

from lookup.errors import InvalidInput
from lookup.ledger.model import Roster
from lookup.rosters.counting import count_entries
from lookup.rosters.decompression import GZIP_MAGIC, MEGABYTE, Bounds, Decompressor
from lookup.rosters.formats.detection import Kind, detect_format
from lookup.rosters.formats.parsing import entry_line, json_entries, peek
from lookup.rosters.keys import copy_key
from lookup.rosters.reader import CHUNK, translate_s3_error

UNPACKED_BYTES = 64 * 1024  # decompressed at once
OUTPUT_BYTES = 64 * 1024  # of lines that are yielded together


def to_lines(text: Iterable[bytes]) -> Iterator[bytes]:
    """Rewrite a roster's text, streaming: lines and rows as they are, the entries of a JSON document as NDJSON.

    An unreadable rest becomes one invalid line. Raises `InvalidInput` as `detect_format` does.
    """
    opening, whole = peek(text)
    if detect_format(opening).kind is Kind.JSON:
        return _as_lines(opening, whole)
    return whole


def decompressed_text(
    chunks: Iterable[bytes], *, bounds: Bounds | None = None, omit_error_line: bool = False
) -> Iterator[bytes]:
    """Return a roster's text, decompressed within bounds if it is gzip; `omit_error_line` as in `Decompressor`."""
    remaining = iter(chunks)
    first = next(remaining, b"")
    while len(first) < len(GZIP_MAGIC):
        more = next(remaining, None)
        if more is None:
            break
        first += more
    joined = _chained(first, remaining)
    if not first.startswith(GZIP_MAGIC):
        return joined
    return Decompressor(bounds or Bounds(), piece=UNPACKED_BYTES).decompress(joined, omit_error_line=omit_error_line)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _as_lines(opening: bytes, whole: Iterable[bytes]) -> Iterator[bytes]:
    """Yield entries as lines, many together: an upload of each alone would be slow."""
    written = bytearray()
    for entry in json_entries(opening, whole):
        written += entry_line(entry)
        if len(written) >= OUTPUT_BYTES:
            yield bytes(written)
            written.clear()
    if written:
        yield bytes(written)


if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

PIECES = TransferConfig(multipart_chunksize=8 * 1024 * 1024)
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

    def convert(self, roster: Roster, lookup_id: str, is_late: IsLate) -> Roster:
        """Write a gzip roster or a JSON document as lines of text; an unreadable rest is one invalid line.

        Raises `InvalidInput` when it passes the bounds; then there is no copy.
        """
        key = copy_key(roster.key, lookup_id)
        with closing(self._open(roster)) as body:
            text = decompressed_text(_check_time(body.iter_chunks(CHUNK), is_late), bounds=self._bounds)
            source = io.BufferedReader(_Stream(self._bounded(to_lines(_check_time(text, is_late)))), CHUNK)
            # One piece after the other: a further thread would hold a further piece in memory.
            with TransferManager(self._client, PIECES, executor_cls=NonThreadedExecutor) as transfer:
                transfer.upload(source, self._bucket, key).result()
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
    """Chunks as the file object that a transfer uploads."""

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
