"""Pages of lists."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from wallet_client.exchange import Page, Retry, Steps, ask, decoded, resource_of
from wallet_client.postings import camel

T = TypeVar("T")

#: The most the wallet gives at once.
ROWS_MAX: Final = 100


class _Pagination(msgspec.Struct, rename="camel"):
    page: int = 1
    total_pages: int = 0
    next_cursor: str | None = None


def segment(value: object) -> str:
    """Write a value so that it is one segment of a path."""
    return quote(str(value), safe="")


def query_of(**fields: Any) -> dict[str, str]:
    """Give the parameters that are not None, named and written as the wallet reads them."""
    return {
        camel(name): value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in fields.items()
        if value is not None
    }


def by_cursor(
    retry: Retry, row: type[T], path: str, place: str, query: Mapping[str, str] | None = None
) -> Steps[Page[T]]:
    """Give the page at a cursor: whatever is added meanwhile, each row comes once."""
    parameters = {**(query or {}), "cursor": place, "limit": str(ROWS_MAX)}
    answer = yield from ask(retry, "GET", path, query=parameters)
    return Page(_rows(answer.data, row), decoded(answer.pagination, _Pagination).next_cursor)


def by_page(
    retry: Retry, row: type[T], path: str, place: str, query: Mapping[str, str] | None = None
) -> Steps[Page[T]]:
    """Give the page of a number. A row that is added meanwhile moves the pages, so that one may come twice."""
    number = int(place or "1")
    answer = yield from ask(retry, "GET", path, query={**(query or {}), "page": str(number), "limit": str(ROWS_MAX)})
    last = decoded(answer.pagination, _Pagination).total_pages
    return Page(_rows(answer.data, row), str(number + 1) if number < last else None)


def _rows(data: bytes, row: type[T]) -> list[T]:
    return [resource_of(bytes(one), row) for one in resource_of(data, list[msgspec.Raw])]
