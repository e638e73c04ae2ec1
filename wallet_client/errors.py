"""What a call raises instead of giving an answer."""

from typing import Any


class WalletError(Exception):
    """A call that gave no answer of the kind that was asked for."""


class Refused(WalletError):
    """The wallet refused a request, and wrote nothing.

    Attributes:
        code: what it is about; never changes, so go by it. docs/http.md lists them all.
        status: the HTTP status, 400 to 500.
        sentence: for people; may change from release to release.
        details: the fields to blame, each with its sentences, or what the code says it is; None: there are none.
        request_id: under which the service's log has the request; None: of an item of a batch, which shares its own.
    """

    def __init__(
        self,
        code: str,
        status: int,
        sentence: str,
        details: dict[str, Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, status, sentence, details, request_id)
        self.code = code
        self.status = status
        self.sentence = sentence
        self.details = details
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}" + (f" {self.details}" if self.details else "")


class Unanswered(WalletError):
    """No answer came before the deadline: the wallet was unavailable, or could not be reached.

    Whether the request was carried out is not known. Sending it again later with the same key is safe.

    Attributes:
        reason: what became of the last attempt.
        idempotency_key: the key of the request; None: it only read, or was a batch, whose items have keys of their own.
    """

    def __init__(self, reason: str, idempotency_key: str | None = None) -> None:
        super().__init__(reason, idempotency_key)
        self.reason = reason
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        key = "" if self.idempotency_key is None else f" (idempotency key {self.idempotency_key})"
        return f"{self.reason}{key}"
