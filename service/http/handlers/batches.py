"""POST /transactions/batch: many postings in one request."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec
import psycopg
from aiohttp import web

from service import app_keys, metrics
from service.http import envelope
from service.http.auth import admit
from service.http.bodies import BODY_SIZE_BYTES_MAX, decode_body, read_content
from service.http.outcomes import Outcome, outcome_of, would_be_outcomes
from service.http.postings import BatchBody, decode_item
from service.http.queries import is_dry_run
from service.posting import PostingRequest
from service.refusals import (
    RETRY_AFTER_SECONDS,
    STATUSES,
    Refusal,
    batch_refused,
    body_too_large,
    refusal_of,
)

#: Largest body of this route.
BATCH_BODY_SIZE_BYTES_MAX: Final = 2 * 1024 * 1024

#: The SQLSTATE with which `wallet.post_atomic_json` names the item that is to blame.
_BATCH_REFUSED: Final = "WL013"

_log = logging.getLogger("wallet.http")


class _RefusedItem(msgspec.Struct):
    """The DETAIL that comes with `_BATCH_REFUSED`."""

    index: int
    code: str
    error: str
    details: dict[str, msgspec.Raw] | None = None


async def post_batch(request: web.Request) -> web.Response:
    """207 with the status and the body of every item, in order, each as it would have been alone."""
    dry = is_dry_run(request)
    body = decode_body(await _read(request), BatchBody)
    items = await _decoded(request, body.items)
    outcomes = await (_post_whole(request, items, dry) if body.atomic else _post_each(request, items, dry))
    for outcome in outcomes:
        if outcome.code is not None:
            metrics.REFUSALS.labels(outcome.code).inc()
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if any(one.status == 503 for one in outcomes) else None
    listed = b",".join(_listed(index, outcome) for index, outcome in enumerate(outcomes))
    return envelope.success(b"[" + listed + b"]", 207, retry)


async def _read(request: web.Request) -> bytes:
    try:
        # The limit belongs to the application; a clone can have one of its own.
        return await read_content(request.clone(client_max_size=BATCH_BODY_SIZE_BYTES_MAX))
    except web.HTTPRequestEntityTooLarge:
        raise body_too_large("The body", "2 MiB") from None


async def _decoded(request: web.Request, contents: Sequence[msgspec.Raw]) -> list[PostingRequest | Refusal]:
    items: list[PostingRequest | Refusal] = []
    size_bytes = 0
    for content in map(bytes, contents):
        # Other requests wait no longer than for the largest single one.
        size_bytes += len(content)
        if size_bytes > BODY_SIZE_BYTES_MAX:
            await asyncio.sleep(0)
            size_bytes = 0
        try:
            items.append(await admit(request, decode_item(content)))
        except Refusal as refusal:
            items.append(refusal)
    return items


async def _post_each(request: web.Request, items: Sequence[PostingRequest | Refusal], dry: bool) -> list[Outcome]:
    requests = [item for item in items if not isinstance(item, Refusal)]
    if dry:
        tried = await request.app[app_keys.DRY_RUNS].submit(requests) if requests else []
        would_be = iter(would_be_outcomes(requests, tried))
        return [outcome_of(item) if isinstance(item, Refusal) else next(would_be) for item in items]
    answers = iter(await request.app[app_keys.POSTINGS].submit_all(requests))
    every = [item if isinstance(item, Refusal) else next(answers) for item in items]
    for index, answer in enumerate(every):
        if isinstance(answer, BaseException) and refusal_of(answer).code == "internal_error":
            _log.error("item %d of request %s failed", index, request[app_keys.REQUEST_ID], exc_info=answer)
    return [outcome_of(answer) for answer in every]


async def _post_whole(request: web.Request, items: Sequence[PostingRequest | Refusal], dry: bool) -> list[Outcome]:
    requests: list[PostingRequest] = []
    for index, item in enumerate(items):
        if isinstance(item, Refusal):
            outcome = outcome_of(item)
            raise batch_refused(index, item.error, outcome.status, outcome.body)
        requests.append(item)
    try:
        if dry:
            return would_be_outcomes(requests, await request.app[app_keys.DRY_RUNS].submit(requests, atomic=True))
        answers = await request.app[app_keys.ATOMIC_POSTINGS].submit(requests)
    except psycopg.Error as error:
        if error.sqlstate != _BATCH_REFUSED or not error.diag.message_detail:
            raise
        refused = msgspec.json.decode(error.diag.message_detail, type=_RefusedItem)
        text = envelope.refusal_text(refused.error, refused.code, refused.details)
        raise batch_refused(refused.index, refused.error, STATUSES[refused.code], envelope.refusal_body(text)) from None
    return [outcome_of(answer) for answer in answers]


def _listed(index: int, outcome: Outcome) -> bytes:
    replayed = b',"replayed":true' if outcome.replayed else b""
    return b'{"index":%d,"status":%d%b,"body":%b}' % (index, outcome.status, replayed, outcome.body)
