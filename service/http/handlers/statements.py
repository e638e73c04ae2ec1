"""Statements of an account, streamed as JSON or CSV, and its balance at an instant."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

import msgspec
from aiohttp import hdrs, web

from service import app_keys
from service.http import envelope, statement_csv
from service.http.auth import check_account
from service.http.queries import instant_in, uuid_of
from service.refusals import refusal_of
from service.statements import Statement, Totals

_log = logging.getLogger("wallet.http")

#: How long it may take to send a statement. Each of its pages has to be read as fast as any other answer besides.
SENDING_SECONDS_MAX: Final = 900


class _Form(NamedTuple):
    content_type: str
    chunks: Callable[[Statement], AsyncGenerator[bytes]]


async def get_statement(request: web.Request) -> web.StreamResponse:
    """200 with the account's entries between two instants and the balances there, as JSON or CSV."""
    account_id = uuid_of(request.match_info["id"], "id")
    from_at, to_at = instant_in(request, "from"), instant_in(request, "to")
    await check_account(request, account_id)
    form = _CSV if _names_csv(request) else _JSON
    async with request.app[app_keys.STATEMENTS].open(account_id, from_at, to_at) as statement:
        response = web.StreamResponse(
            headers={
                "Content-Type": form.content_type,
                "Vary": hdrs.ACCEPT,
                # The frame comes too late to set it.
                "X-Request-Id": request[app_keys.REQUEST_ID],
            }
        )
        if form is _CSV:
            name = statement_csv.file_name(statement.head)
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        if request.method == hdrs.METH_HEAD:
            await response.prepare(request)
            return response
        return await _send(request, response, form.chunks(statement))


async def get_balance_at(request: web.Request) -> web.Response:
    """200 with `{accountId, at, version, balance, isFinal, assetTypeId}`: the balance at the instant `at`."""
    account_id = uuid_of(request.match_info["id"], "id")
    at = instant_in(request, "at")
    await check_account(request, account_id)
    async with request.app[app_keys.STATEMENTS].open(account_id, at, at) as statement:
        head = statement.head
    return envelope.success(
        msgspec.json.encode(
            {
                "accountId": head.account_id,
                "at": head.to_at,
                "version": head.closing.version,
                "balance": head.closing.balance,
                "isFinal": head.is_final,
                "assetTypeId": head.asset_type_id,
            }
        )
    )


def _names_csv(request: web.Request) -> bool:
    """Whether the header Accept names CSV."""
    ranges = ",".join(request.headers.getall(hdrs.ACCEPT, ())).split(",")
    return any(one.partition(";")[0].strip().lower() == "text/csv" for one in ranges)


async def _send(
    request: web.Request, response: web.StreamResponse, chunks: AsyncGenerator[bytes]
) -> web.StreamResponse:
    """Sends an answer as it comes. What goes wrong before the first chunk is refused, after it the line is cut."""
    async with aclosing(chunks):
        first = await anext(chunks)
        await response.prepare(request)
        try:
            async with asyncio.timeout(SENDING_SECONDS_MAX):
                await response.write(first)
                async for chunk in chunks:
                    await response.write(chunk)
        except Exception as error:
            _break_off(request, error)
    return response


def _break_off(request: web.Request, error: Exception) -> None:
    """Cuts the line: another answer cannot follow, and the caller must not take this one for whole."""
    transport = request.transport
    if transport is not None and not transport.is_closing():
        level = logging.ERROR if refusal_of(error).code == "internal_error" else logging.WARNING
        _log.log(level, "request %s: its answer was broken off", request[app_keys.REQUEST_ID], exc_info=error)
        transport.abort()


async def _json(statement: Statement) -> AsyncGenerator[bytes]:
    chunk = b'{"success":true,"data":' + statement.head_text[:-1] + b',"lines":['
    separator = b""
    async for lines in statement.pages():
        yield chunk + separator + lines
        chunk, separator = b"", b","
    yield chunk + b'],"totals":' + _totals_text(statement.totals) + b"}}"


async def _csv(statement: Statement) -> AsyncGenerator[bytes]:
    chunk = statement_csv.first_rows(statement.head)
    async for lines in statement.pages():
        yield chunk + statement_csv.rows(lines)
        chunk = b""
    yield chunk + statement_csv.last_row(statement.head)


def _totals_text(totals: Totals) -> bytes:
    debits, credits_ = (f"{amount.normalize():f}" for amount in (totals.debits, totals.credits))
    return f'{{"debits":{debits},"credits":{credits_},"lines":{totals.lines}}}'.encode()


_JSON: Final = _Form(envelope.JSON_CONTENT_TYPE, _json)
_CSV: Final = _Form(statement_csv.CONTENT_TYPE, _csv)
