"""A file on its way to S3: written piece by piece, and visible to nobody before it is completed.

What is left of a multipart upload that nobody completes is removed by the bucket's lifecycle after a day.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

# S3 takes pieces of 5 MiB to 5 GiB, the last one may be smaller, 10,000 of a file:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PIECE_BYTES = 16 * 1024 * 1024
GONE = "NoSuchUpload"
ABSENT = {"404", "NoSuchKey"}


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that is written and not completed: its `pieces` are their ETags in order, with their CRC32.

    One that is small enough has none of them, and no `upload_id`: it is held here, and sent when it is completed.
    """

    key: str
    content_type: str
    size: int
    sha256: str
    upload_id: str = ""
    pieces: tuple[tuple[str, str | None], ...] = ()
    held: bytes | None = None

    def to_json(self) -> dict[str, object]:
        """Write it for the ledger, without what is held."""
        facts = ("key", "content_type", "size", "sha256", "upload_id", "pieces")
        return {name: getattr(self, name) for name in facts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sealed:
        """Read what `to_json` wrote."""
        pieces = tuple((tag, crc) for tag, crc in data["pieces"])
        return cls(data["key"], data["content_type"], int(data["size"]), data["sha256"], data["upload_id"], pieces)


class Upload(io.RawIOBase):
    """One file of `content_type` under `key`, as something that writers write to."""

    def __init__(self, client: S3Client, bucket_name: str, key: str, content_type: str) -> None:
        super().__init__()
        self._client = client
        self._bucket = bucket_name
        self._key = key
        self._content_type = content_type
        self._waiting = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()
        self._upload_id: str | None = None
        self._pieces: list[tuple[str, str | None]] = []

    def writable(self) -> bool:
        """Return true: files are written only."""
        return True

    def tell(self) -> int:
        """Return how many bytes are written."""
        return self._size

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever holds bytes, as files take it
        """Take bytes, and send a piece when there are enough of them."""
        self._waiting += data
        self._digest.update(data)
        length = memoryview(data).nbytes
        self._size += length
        while len(self._waiting) >= PIECE_BYTES:
            self._send(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]
        return length

    def sealed(self, *, may_be_held: bool) -> Sealed:
        """Send what is left, or hold a file of one piece; nothing may be written any more."""
        facts = self._key, self._content_type, self._size, self._digest.hexdigest()
        if may_be_held and not self._pieces:
            return Sealed(*facts, held=bytes(self._waiting))
        if self._waiting or not self._pieces:
            self._send(bytes(self._waiting))
            self._waiting.clear()
        return Sealed(*facts, self._begun(), tuple(self._pieces))

    def abandon(self) -> None:
        """Remove what was sent, as far as S3 lets us; the lifecycle removes the rest."""
        if self._upload_id is not None:
            Uploads(self._client, self._bucket).abort(self._key, self._upload_id)

    def _begun(self) -> str:
        if self._upload_id is None:
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, ContentType=self._content_type, ChecksumAlgorithm="CRC32"
            )
            self._upload_id = begun["UploadId"]
        return self._upload_id

    def _send(self, piece: bytes) -> None:
        number = len(self._pieces) + 1
        sent = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._begun(),
            PartNumber=number,
            Body=piece,
            ChecksumAlgorithm="CRC32",
        )
        self._pieces.append((sent["ETag"], sent.get("ChecksumCRC32")))


class Uploads:
    """Completes and removes what was written."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def begin(self, key: str, content_type: str) -> Upload:
        """Begin a file."""
        return Upload(self._client, self._bucket, key, content_type)

    def complete(self, file: Sealed) -> None:
        """Make a file visible; one that is visible already stays."""
        if file.held is not None:
            self.put(file.key, file.held, file.content_type)
            return
        pieces = [
            {"PartNumber": number, "ETag": tag} | ({"ChecksumCRC32": crc} if crc else {})
            for number, (tag, crc) in enumerate(file.pieces, 1)
        ]
        try:
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=file.key,
                UploadId=file.upload_id,
                MultipartUpload={"Parts": pieces},  # type: ignore[typeddict-item]  # CompletedPart
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != GONE or not self._is_there(file):
                raise

    def _is_there(self, file: Sealed) -> bool:
        """Return whether a file is visible, as after a completion whose answer was lost."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=file.key)
        except ClientError:
            return False
        return head["ContentLength"] == file.size

    def has(self, key: str) -> bool:
        """Return whether a file is visible."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ABSENT:
                raise
            return False
        return True

    def abort(self, key: str, upload_id: str) -> None:
        """Remove an upload that will not be completed; one that is gone already is no fault."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != GONE:
                raise

    def remove(self, key: str) -> None:
        """Delete a file, there or not."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write a small file at once."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
