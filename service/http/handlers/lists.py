"""What the lists share: one query, one JSON value."""

from collections.abc import Sequence
from typing import LiteralString

from aiohttp import web

from service import app_keys
from service.database import borrow


async def one_value(request: web.Request, query: LiteralString, parameters: Sequence[object]) -> bytes:
    """Runs a query that gives one JSON value and hands it on as text."""
    async with borrow(request.app[app_keys.POOL]) as connection:
        cursor = await connection.execute(query, parameters)
        row = await cursor.fetchone()
    assert row is not None  # a function call always gives a row
    answer: bytes = row[0]
    return answer
