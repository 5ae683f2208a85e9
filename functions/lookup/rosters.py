"""Rosters in the bucket: uploaded by partners, pinned by version, checked before they are accepted, unpacked once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from lookup.errors import InvalidInput, Missing
from lookup.lookup_model import Roster
from lookup.model import Identifier, Invalid
from lookup.roster import entry_line
from lookup.roster_conversion import GZIP_MAGIC, converted, text_of, unpacked
from lookup.roster_count import count_entries
from lookup.roster_format import Kind
from lookup.roster_opening import checked
from lookup.roster_preview import Preview, preview_of
from lookup.roster_reader import CHUNK, gone_or

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

UPLOAD_SECONDS = 3600  # that an upload URL is good for
ONE_BY_ONE = TransferConfig(use_threads=False, multipart_chunksize=8 * 1024 * 1024)


class Rosters:
    """The rosters of one bucket, under `rosters/<partner>/`."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def upload(self, partner: str) -> tuple[str, str]:
        """Give a new roster's id and the URL that takes it by PUT, for an hour."""
        roster_id = uuid4().hex
        params = {"Bucket": self._bucket, "Key": key_of(partner, roster_id)}
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=UPLOAD_SECONDS)
        return roster_id, url

    def pin(self, key: str, *, count_to: int | None = None) -> Roster:
        """Check a roster's first 64 KB and pin its version. Raises `InvalidInput` saying what is wrong with it.

        Of a longer one the number of entries is estimated; with `count_to` it is counted, until it is over that.
        What S3 does wrong, such as throttling, is no fault of the roster's and is raised as it came.
        """
        roster, is_whole, _ = self._begun(key)
        return roster if is_whole or count_to is None else self._counted(roster, count_to)

    def preview(self, key: str) -> tuple[Roster, Preview]:
        """Tell what a lookup would make of a roster, by its first 64 KB. Raises `InvalidInput` as `pin` does."""
        roster, is_whole, text = self._begun(key)
        return roster, preview_of(text, is_whole=is_whole)

    def _begun(self, key: str) -> tuple[Roster, bool, bytes]:
        """Read and check a roster's first 64 KB; tell whether there is no more, and give their text."""
        try:
            head = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{CHUNK - 1}")
        except ClientError as error:
            raise _unpinned(error) from None
        opening = head["Body"].read()
        size = int(head["ContentRange"].rpartition("/")[2])
        gzipped = opening.startswith(GZIP_MAGIC)
        text, length = _opened(opening) if gzipped else (opening, len(opening))
        is_whole = len(opening) == size and len(text) == length
        written, found = checked(text, is_whole=is_whole)
        entries = len(found)
        estimate = entries if is_whole else round(entries / len(text) * length * size / len(opening))
        needs_rewriting = gzipped or written.kind is Kind.JSON
        return Roster(key, head.get("VersionId"), size, max(1, estimate), needs_rewriting), is_whole, text

    def _counted(self, roster: Roster, most: int) -> Roster:
        """Count a roster's entries; what is not counted to its end keeps its estimate, if that is higher."""
        chunks = self._open(roster).iter_chunks(CHUNK)
        counted, is_all = count_entries(text_of(chunks), most)
        return replace(roster, entries=counted if is_all else max(counted, roster.entries))

    def _open(self, roster: Roster) -> StreamingBody:
        wanted = {"Bucket": self._bucket, "Key": roster.key}
        if roster.version_id:
            wanted["VersionId"] = roster.version_id
        try:
            return self._client.get_object(**wanted)["Body"]  # type: ignore[arg-type]  # keys are spelled above
        except ClientError as error:
            raise gone_or(error) from None

    def write(self, lookup_id: str, entries: Iterable[Identifier | Invalid]) -> Roster:
        """Keep identifiers that came inline as a roster; what is invalid stays so, with its reason."""
        kept = [entry_line(one) for one in entries]
        body = b"".join(kept)
        key = f"rosters/inline/{lookup_id}.ndjson"
        answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        return Roster(key, answer.get("VersionId"), len(body), len(kept))

    def unpack(self, roster: Roster, lookup_id: str) -> Roster:
        """Rewrite a gzip roster or a JSON document as lines, streaming; what is unreadable is one invalid line."""
        body = self._open(roster)
        key = f"rosters/unpacked/{lookup_id}"
        source = io.BufferedReader(_Stream(converted(text_of(body.iter_chunks(CHUNK)))), CHUNK)
        self._client.upload_fileobj(source, self._bucket, key, Config=ONE_BY_ONE)
        head = self._client.head_object(Bucket=self._bucket, Key=key)
        return Roster(key, head.get("VersionId"), head["ContentLength"], roster.entries)


def key_of(partner: str, roster_id: str) -> str:
    """Name a partner's roster in the bucket; no partner can name another's."""
    if not roster_id.isalnum():
        raise InvalidInput("roster_id", "is not an id that POST /v1/rosters gave")
    return f"rosters/{partner}/{roster_id}"


def _unpinned(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "InvalidRange":  # what S3 says of a range of an empty object
        return InvalidInput("roster", "is empty")
    fault = gone_or(error)
    return InvalidInput("roster", "is unknown, or not uploaded yet") if isinstance(fault, Missing) else fault


def _opened(opening: bytes) -> tuple[bytes, int]:
    """Unpack the first bytes of a gzip roster: 64 KB of the text, and how long the text of all of them is."""
    text, length = b"", 0
    for piece in unpacked([opening], quietly=True):
        text, length = text + piece[: CHUNK - len(text)], length + len(piece)
    return text, length


class _Stream(io.RawIOBase):
    """Chunks as the file that boto3 uploads from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the one way it is called
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        given, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)
