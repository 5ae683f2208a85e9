"""The rows of files that are collected, read back for an export."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.collection.errors import Gone, Unequal
from lookup.collection.files import ResultFile
from lookup.collection.formats.gzip_files import GZIP
from lookup.collection.formats.rows import Row, row_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PIECE_BYTES = 8 * 1024 * 1024  # of a file that one request reads: an answer that breaks costs no more than this
UNPACKED_BYTES = 4 * 1024 * 1024  # that are unpacked at once, however well a file is compressed
BATCH_RECORDS = 100
MISSING = {"404", "NoSuchKey"}


class CollectedRows:
    """Reads NDJSON files of one bucket, in pieces: their size costs no memory."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def batches(self, file: ResultFile) -> Iterator[list[Row]]:
        """Read the rows of a file, some at a time.

        Raises `Gone` when it is not there, and at its end `Unequal` when it was not what its manifest says.
        """
        batch: list[Row] = []
        digest, records = hashlib.sha256(), 0
        for line in self._lines(file, digest):
            batch.append(row_of(line))
            if len(batch) == BATCH_RECORDS:
                yield batch
                records, batch = records + len(batch), []
        if batch:
            yield batch
        if digest.hexdigest() != file.sealed.sha256 or records + len(batch) != file.records:
            raise Unequal(f"{file.name} is not what was written")

    def _lines(self, file: ResultFile, digest: hashlib._Hash) -> Iterator[bytes]:
        rest = b""
        for unpacked in self._unpacked(file, digest):
            *lines, rest = (rest + unpacked).split(b"\n")
            yield from filter(None, lines)
        if rest:
            raise Unequal(f"{file.name} ends within a line")

    def _unpacked(self, file: ResultFile, digest: hashlib._Hash) -> Iterator[bytes]:
        unpacking = zlib.decompressobj(GZIP)
        try:
            for piece in self._pieces(file):
                digest.update(piece)
                waiting = piece
                while waiting:
                    yield unpacking.decompress(waiting, UNPACKED_BYTES)
                    waiting = unpacking.unconsumed_tail
        except zlib.error:
            raise Unequal(f"{file.name} cannot be unpacked") from None
        yield unpacking.flush()

    def _pieces(self, file: ResultFile) -> Iterator[bytes]:
        for start in range(0, file.sealed.size, PIECE_BYTES):
            end = min(start + PIECE_BYTES, file.sealed.size) - 1
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=file.sealed.key, Range=f"bytes={start}-{end}")
            except ClientError as error:
                if error.response["Error"]["Code"] in MISSING:
                    raise Gone(f"{file.name} is gone") from None
                raise
            yield answer["Body"].read()
