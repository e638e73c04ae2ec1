"""The event feed: page by page, waiting for what comes, or as a stream of server-sent events."""

import asyncio
import logging
from typing import Final

import msgspec
from aiohttp import hdrs, web

from service import app_keys
from service.events import LIMIT_DEFAULT, LIMIT_MAX, EventFeed, EventQuery, Page
from service.http import envelope
from service.http.auth import check_account, check_caller_again, reachable_assets
from service.http.queries import clamped, text_in, uuid_in
from service.refusals import refusal_of, validation_failed

_log = logging.getLogger("wallet.http")

WAIT_SECONDS_MAX: Final = 30

#: How often a stream says something, so that both ends know of each other, and a key that was revoked is noticed.
HEARTBEAT_SECONDS: Final = 10

#: How soon a caller who went away without a word of it is noticed.
_LOOK_SECONDS: Final = 1

STREAM_CONTENT_TYPE: Final = "text/event-stream"

_STREAM_HEADERS: Final = {
    hdrs.CONTENT_TYPE: STREAM_CONTENT_TYPE,
    hdrs.CACHE_CONTROL: "no-store",
    # Of proxies that would keep the answer until it is whole.
    "X-Accel-Buffering": "no",
}


class _Event(msgspec.Struct):
    """What the frame of an event says of it."""

    id: str
    type: str


_EVENT: Final = msgspec.json.Decoder(_Event)


async def list_events(request: web.Request) -> web.StreamResponse:
    """200 with the events after a cursor: a page, or a stream when the Accept header names `text/event-stream`."""
    feed = request.app[app_keys.EVENTS]
    query = _query_of(request)
    wait_seconds = clamped(request.query.get("waitSeconds"), 0, WAIT_SECONDS_MAX, lowest=0)
    if query.account_id is not None:
        await check_account(request, query.account_id)
    if request.method != hdrs.METH_HEAD:
        if STREAM_CONTENT_TYPE in request.headers.get(hdrs.ACCEPT, "").lower():
            with feed.admitted():
                return await _stream(request, feed, query)
        if wait_seconds:
            with feed.admitted():
                return await _page_awaited(request, feed, query, wait_seconds)
    _, answer = await feed.read(query)
    return envelope.page(answer)


def _query_of(request: web.Request) -> EventQuery:
    types = text_in(request, "types")
    assets = reachable_assets(request)
    after = request.headers.get("Last-Event-ID") or text_in(request, "after")
    if after is not None and not after.isascii():
        raise validation_failed({"after": ["Is no cursor of the event feed."]})
    return EventQuery(
        after=after,
        limit=clamped(request.query.get("limit"), LIMIT_DEFAULT, LIMIT_MAX),
        types=None if types is None else tuple(types.split(",")),
        account_id=uuid_in(request, "accountId"),
        asset_type_ids=None if assets is None else tuple(assets),
    )


def _from(query: EventQuery, cursor: str) -> EventQuery:
    return msgspec.structs.replace(query, after=cursor)


async def _page_awaited(
    request: web.Request, feed: EventFeed, query: EventQuery, wait_seconds: int
) -> web.StreamResponse:
    until = asyncio.get_running_loop().time() + wait_seconds
    page, answer = await feed.read(query)
    while page.is_end and await _wait(request, feed, page.cursor, until):
        await check_caller_again(request)
        page, answer = await feed.read(_from(query, page.cursor))
    return envelope.page(answer)


async def _wait(request: web.Request, feed: EventFeed, cursor: str, until: float) -> bool:
    """Whether the feed has gone on by then. It has not when the caller has gone."""
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0 and not feed.is_ending and request.transport is not None:
        if await feed.wait(cursor, min(left, _LOOK_SECONDS)):
            return True
    return False


async def _stream(request: web.Request, feed: EventFeed, query: EventQuery) -> web.StreamResponse:
    # Before the answer has begun: what is wrong with the request is refused in the envelope.
    page, _ = await feed.read(query)
    headers = {**_STREAM_HEADERS, "X-Request-Id": request[app_keys.REQUEST_ID]}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    loop = asyncio.get_running_loop()
    try:
        while True:
            await response.write(_frames(page))
            if not page.has_more:
                await _wait(request, feed, page.cursor, loop.time() + HEARTBEAT_SECONDS)
            if feed.is_ending or request.transport is None:
                break
            await check_caller_again(request)
            page, _ = await feed.read(_from(query, page.cursor))
        await response.write_eof()
    except ConnectionError:
        pass  # The caller has gone.
    except Exception as error:
        # The stream ends, and the caller comes back with the id of the last event.
        if refusal_of(error).code == "internal_error":
            _log.error("request %s: its stream failed", request[app_keys.REQUEST_ID], exc_info=error)
    return response


def _frames(page: Page) -> bytes:
    """The messages of a page. The last has no data, so it is no event, and says from where to go on."""
    frames = []
    for one in page.data:
        event = _EVENT.decode(one)
        frames.append(f"id: {event.id}\nevent: {event.type}\ndata: ".encode() + bytes(one) + b"\n\n")
    frames.append(f"id: {page.cursor}\n\n".encode())
    return b"".join(frames)
