"""What became of one posting, as the posting endpoints say it: the answer of one, or an item's of a batch."""

from typing import NamedTuple

from service.http import envelope
from service.posting import PostingAnswer
from service.refusals import STATUSES, refusal_of


class Outcome(NamedTuple):
    """One posting's answer.

    Attributes:
        status: the HTTP status.
        body: JSON text, in the envelope.
        replayed: whether the answer was given before.
    """

    status: int
    body: bytes
    replayed: bool = False


def outcome_of(answer: PostingAnswer | BaseException) -> Outcome:
    """The outcome for the database's answer, or for what was raised in its place."""
    if isinstance(answer, BaseException):
        refusal = refusal_of(answer)
        text = envelope.refusal_text(refusal.error, refusal.code, refusal.details)
        return Outcome(refusal.status, envelope.refusal_body(text))
    if answer.code is not None:
        return Outcome(STATUSES[answer.code], envelope.refusal_body(answer.answer))
    return Outcome(201, envelope.success_body(answer.answer), answer.outcome == "REPLAYED")
