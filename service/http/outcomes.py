"""What became of one posting, as the posting endpoints say it: the answer of one, or an item's of a batch."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from service.http import envelope
from service.posting import PostingAnswer, PostingRequest
from service.refusals import STATUSES, refusal_of

#: An answer's members, each as it stands, in order.
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Outcome(NamedTuple):
    """One posting's answer.

    Attributes:
        status: the HTTP status.
        body: JSON text, in the envelope.
        replayed: whether the answer was given before.
        code: of a refusal.
    """

    status: int
    body: bytes
    replayed: bool = False
    code: str | None = None


def would_be_outcomes(requests: Sequence[PostingRequest], answers: Sequence[PostingAnswer]) -> list[Outcome]:
    """The outcomes of postings that were tried together and rolled back: 200, and no id for what was not made."""
    tried_keys = {
        request.idempotency_key
        for request, answer in zip(requests, answers, strict=True)
        # The answer to a void is the hold, which is there.
        if answer.outcome == "POSTED" and request.type != "VOID"
    }
    return [
        _would_be_outcome(answer, is_made=request.idempotency_key not in tried_keys)
        for request, answer in zip(requests, answers, strict=True)
    ]


def _would_be_outcome(answer: PostingAnswer, *, is_made: bool) -> Outcome:
    if answer.code is not None:
        return outcome_of(answer)
    text = answer.answer if is_made else msgspec.json.encode({**_MEMBERS.decode(answer.answer), "id": None})
    return Outcome(200, envelope.success_body(text), answer.outcome == "REPLAYED")


def outcome_of(answer: PostingAnswer | BaseException) -> Outcome:
    """The outcome for the database's answer, or for what was raised in its place."""
    if isinstance(answer, BaseException):
        refusal = refusal_of(answer)
        text = envelope.refusal_text(refusal.error, refusal.code, refusal.details)
        return Outcome(refusal.status, envelope.refusal_body(text), code=refusal.code)
    if answer.code is not None:
        return Outcome(STATUSES[answer.code], envelope.refusal_body(answer.answer), code=answer.code)
    return Outcome(201, envelope.success_body(answer.answer), answer.outcome == "REPLAYED")
