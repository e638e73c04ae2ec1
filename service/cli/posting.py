"""`wallet post`: one posting from the shell, by the function that the service posts by."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from service.cli.failure import Failure
from service.http.postings import decode_item
from service.posting import PostingAnswer, PostingLane, PostingRequest
from service.refusals import Refusal, is_unavailability, refusal_of


def post(url: str, item: Mapping[str, Any], *, dry_run: bool) -> PostingAnswer:
    """Post one item of a batch, or try it out.

    Args:
        url: the database.
        item: as in the body of POST /transactions/batch; what is None counts as not given.
        dry_run: post nothing, and give what it would be.

    Raises:
        Failure: it was refused, or the database is not available now; then the same key may be used again.
    """
    # What goes wrong is told in one sentence, and not in the log of a service.
    logging.getLogger("wallet.posting").addHandler(logging.NullHandler())
    try:
        request = decode_item(msgspec.json.encode({name: value for name, value in item.items() if value is not None}))
        answer = asyncio.run(_post(url, request, dry_run=dry_run))
    except Exception as error:
        if is_unavailability(error):
            key = item["idempotencyKey"]
            raise Failure(
                f"The database is not available, and whether it was posted is not known: run it again with --key {key},"
                " which posts it once."
            ) from error
        refusal = error if isinstance(error, Refusal) else refusal_of(error)
        if refusal.code == "internal_error":
            raise
        raise _failure(refusal.code, refusal.error, refusal.details) from error
    if answer.code is not None:
        refused = msgspec.json.decode(answer.answer, type=dict[str, Any])
        raise _failure(answer.code, refused["error"], refused.get("details"))
    if dry_run and answer.outcome == "POSTED":
        # The id was rolled back with the rest.
        members = msgspec.json.decode(answer.answer, type=dict[str, msgspec.Raw])
        return PostingAnswer(answer.outcome, None, msgspec.json.encode({**members, "id": None}))
    return answer


async def _post(url: str, request: PostingRequest, *, dry_run: bool) -> PostingAnswer:
    lane = PostingLane(url)
    try:
        answers = await (lane.try_out([request], atomic=False) if dry_run else lane.post([request]))
    finally:
        await lane.close()
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


def new_key() -> str:
    """Make an idempotency key that nobody has."""
    return str(uuid.uuid4())


def _failure(code: str, error: str, details: Mapping[str, Any] | None) -> Failure:
    told = "".join(f"\n  {field}: {' '.join(map(str, sentences))}" for field, sentences in (details or {}).items())
    return Failure(f"Refused ({code}): {error}{told}")
