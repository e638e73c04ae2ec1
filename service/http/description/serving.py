"""The document as it is sent."""

import hashlib
from typing import Any, NamedTuple

import msgspec


class Description(NamedTuple):
    """The bytes of the document.

    Attributes:
        body: JSON text.
        etag: its name, without quotes: another document has another.
    """

    body: bytes
    etag: str

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Description":
        """What is sent of a document."""
        body = msgspec.json.encode(document)
        return cls(body, hashlib.sha256(body).hexdigest()[:32])
