"""Reading accounts and asset types by the functions that the service reads them by."""

import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, LiteralString

import msgspec
import psycopg

from service.cli.failure import Failure

Connection = psycopg.Connection[tuple[Any, ...]]

_PAGE_ROWS: Final = 100
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


def connect(url: str) -> Connection:
    """Open a connection on which every statement is a transaction.

    Raises:
        psycopg.Error: the database is away.
    """
    return psycopg.connect(url, client_encoding="UTF8", autocommit=True)


def decoded(text: str) -> Any:
    """Decode JSON text with exact numbers."""
    return _decoder.decode(text)


def assets_by_symbol(connection: Connection) -> dict[str, dict[str, Any]]:
    """Give the asset types by their symbols."""
    return {asset["symbol"]: asset for asset in decoded(_text(connection, "SELECT wallet.list_asset_types()::text"))}


def asset_of(connection: Connection, symbol: str) -> dict[str, Any]:
    """Give the asset type with a symbol.

    Raises:
        Failure: there is none.
    """
    assets = assets_by_symbol(connection)
    if symbol not in assets:
        raise Failure(f"There is no asset {symbol!r}, but {', '.join(assets) or 'none at all'}.")
    return assets[symbol]


def account_text(connection: Connection, name: str) -> str:
    """Give an account as JSON text, by its id or its external id.

    Raises:
        Failure: there is none.
    """
    if _UUID.fullmatch(name):
        try:
            return _text(connection, "SELECT wallet.get_account(%s)::text", uuid.UUID(name))
        except psycopg.Error as error:
            if error.sqlstate != "WL003":
                raise
    for account in account_texts(connection, external_id=name):
        return account
    raise Failure(f"There is no account with the id or external id {name!r}.")


def account_texts(
    connection: Connection,
    *,
    external_id: str | None = None,
    owner_id: str | None = None,
    asset_type_id: str | None = None,
    status: str | None = None,
    account_type: str | None = None,
) -> Iterator[str]:
    """Give the accounts that match as JSON texts, newest first, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        page = msgspec.json.decode(
            _text(
                connection,
                "SELECT wallet.list_accounts(%s, %s, %s::uuid[], %s, %s, 1, %s, %s)::text",
                external_id,
                owner_id,
                None if asset_type_id is None else [asset_type_id],
                status,
                account_type,
                _PAGE_ROWS,
                cursor,
            ),
            type=_Page,
        )
        yield from (bytes(row).decode() for row in page.data)
        cursor = page.pagination.next_cursor


class _Pagination(msgspec.Struct, rename="camel"):
    next_cursor: str | None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    pagination: _Pagination


def _text(connection: Connection, query: LiteralString, *parameters: object) -> str:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # a function call always gives a row
    text: str = row[0]
    return text
