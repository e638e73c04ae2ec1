"""Lists: pages and limits are clamped, totals are exact, filters filter."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.http.api import NOBODY, POSTINGS, Api, Wallet
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

PAGE_MAX = 2_147_483_647

#: What is sent as page or limit -> the number that is meant, before it is clamped; None: the default.
NUMBERS: Mapping[str, int | None] = {
    "1": 1,
    "2": 2,
    "007": 7,
    "+3": 3,
    " 3 ": 3,
    "100": 100,
    "101": 101,
    "0": 0,
    "-0": 0,
    "-1": -1,
    "-" + "9" * 5000: -1,
    "9" * 5000: 10**40,
    str(10**40): 10**40,
    str(2**31 - 1): 2**31 - 1,
    str(2**31): 2**31,
    str(2**63): 2**63,
    str(2**64 + 1): 2**64 + 1,
    "1.5": 1,
    "2.0": 2,
    "": None,
    " ": None,
    "abc": None,
    "1a": None,
    "1 2": None,
    "0x10": None,
    "1_0": None,
    "1,5": None,
    "--1": None,
    "NaN": None,
    "Infinity": None,
    "null": None,
    "true": None,
    "\u0663": None,
    "\uff13": None,
    "\u00b2": None,
    "1\0": None,
    "\0": None,
    "\u2212" + "1": None,
    "'": None,
    "%": None,
    "🪙": None,
}


async def fill(wallet: Wallet, count: int) -> list[Any]:
    """Post that many, TOP_UP, BONUS, SPEND in turn; give the transactions, newest first."""
    posted = [(await wallet.api.posting(POSTINGS[turn % 3], wallet.body(1 + turn % 2))).data for turn in range(count)]
    return posted[::-1]


@pytest.mark.parametrize("path", ["/transactions", "/accounts/{}/ledger"])
async def test_silly_pages_and_limits_are_clamped(api: Api, path: str) -> None:
    """Every silly page and limit gives 200 with the nearest good one, and the rows that belong there."""
    wallet = await api.wallet()
    await fill(wallet, 25)
    path = path.format(wallet.id)
    whole = (await api.get(path, {"limit": "100"})).json
    rows, total = whole["data"], whole["pagination"]["total"]
    assert len(rows) == total
    for text, number in NUMBERS.items():
        page = 1 if number is None else min(max(number, 1), PAGE_MAX)
        limit = 20 if number is None else min(max(number, 1), 100)
        by_page = (await api.get(path, {"page": text, "limit": "10"})).json
        assert by_page["data"] == rows[(page - 1) * 10 : page * 10], text[:20]
        assert by_page["pagination"] == {"page": page, "limit": 10, "total": total, "totalPages": -(-total // 10)}
        by_limit = (await api.get(path, {"limit": text})).json
        assert by_limit["data"] == rows[:limit], text[:20]
        assert by_limit["pagination"] == {"page": 1, "limit": limit, "total": total, "totalPages": -(-total // limit)}


@pytest.mark.parametrize("path", ["/transactions", "/accounts/{}/ledger"])
async def test_queries_that_are_no_utf_8_are_clamped_too(api: Api, path: str) -> None:
    """Percent escapes that give no text, a page given twice, unknown parameters: 200."""
    wallet = await api.wallet(balance="1")
    for query in (
        "page=%FF",
        "limit=%ED%A0%80",
        "page=%",
        "limit=%zz",
        "page=2&page=3",
        "page",
        "&&&",
        "x=y",
        "page[]=1",
    ):
        answer = await api.call("GET", f"{path.format(wallet.id)}?{query}")
        assert answer.status == 200, query


@pytest.mark.parametrize("path", ["/transactions", "/accounts/{}/ledger"])
async def test_all_pages_together_are_the_whole(api: Api, path: str) -> None:
    """Each row once, newest first, for limits that do and do not divide the total; beyond the end empty."""
    wallet = await api.wallet()
    posted = await fill(wallet, 12)
    path = path.format(wallet.id)
    whole = (await api.get(path, {"limit": "100"})).data
    name = "id" if path == "/transactions" else "transactionId"
    assert [one[name] for one in whole[:12]] == [one["id"] for one in posted], "newest first"
    for limit in (1, 3, 5, 12, len(whole), 100):
        pages = -(-len(whole) // limit)
        collected = []
        for page in range(1, pages + 1):
            answer = (await api.get(path, {"page": str(page), "limit": str(limit)})).json
            assert answer["pagination"] == {"page": page, "limit": limit, "total": len(whole), "totalPages": pages}
            collected += answer["data"]
        assert collected == whole
        beyond = (await api.get(path, {"page": str(pages + 1), "limit": str(limit)})).json
        assert beyond["data"] == []
        assert beyond["pagination"] == {"page": pages + 1, "limit": limit, "total": len(whole), "totalPages": pages}


async def test_an_empty_list_has_no_pages(api: Api) -> None:
    """No rows: 200, total 0, totalPages 0."""
    wallet = await api.wallet()
    for path, params in ((f"/accounts/{wallet.id}/ledger", {}), ("/transactions", {"accountId": wallet.id})):
        answer = await api.get(path, params)
        assert (answer.status, answer.data) == (200, [])
        assert answer.json["pagination"] == {"page": 1, "limit": 20, "total": 0, "totalPages": 0}


async def test_filters_filter_alone_and_together(api: Api, books: Ledger) -> None:
    """accountId, type and status in every combination, against the whole list filtered here."""
    first, second = await api.wallet(), await api.wallet("DM")
    await fill(first, 9)
    await fill(second, 7)
    treasury = (await api.get("/transactions", {"accountId": first.id, "type": "TOP_UP"})).data[0]["sourceAccountId"]
    whole = (await api.get("/transactions", {"limit": "100"})).data
    assert len(whole) == 6 + 9 + 7
    for account in (None, first.id, second.id, treasury, NOBODY):
        for kind in (None, "TOP_UP", "BONUS", "SPEND"):
            for status in (None, "COMPLETED", "PENDING", "FAILED"):
                given = {"accountId": account, "type": kind, "status": status}
                params = {name: value for name, value in given.items() if value is not None}
                wanted = [
                    one
                    for one in whole
                    if account in (None, one["sourceAccountId"], one["destAccountId"])
                    and kind in (None, one["type"])
                    and status in (None, one["status"])
                ]
                answer = await api.get("/transactions", {**params, "limit": "100"})
                assert answer.status == 200
                assert answer.data == wanted, params
                assert answer.json["pagination"]["total"] == len(wanted), params
                paged = await api.get("/transactions", {**params, "limit": "2", "page": "2"})
                assert paged.data == wanted[2:4], params


async def test_an_unknown_account_gives_an_empty_list(api: Api) -> None:
    """A filter by an account that is none: 200 and nothing; the ledger of such an account: 404."""
    answer = await api.get("/transactions", {"accountId": NOBODY})
    assert (answer.status, answer.data, answer.json["pagination"]["total"]) == (200, [], 0)
    assert (await api.get(f"/accounts/{NOBODY}/ledger", {"page": "9"})).refused == (404, "account_not_found")


async def test_pages_stay_whole_while_others_post(api: Api) -> None:
    """While postings go on, every page read is newest first, without a row twice, and its total never falls."""
    wallet = await api.wallet()
    path = f"/accounts/{wallet.id}/ledger"
    totals: list[int] = []

    async def read() -> None:
        for _ in range(25):
            answer = (await api.get(path, {"limit": "100"})).json
            versions = [one["version"] for one in answer["data"]]
            assert versions == list(range(answer["pagination"]["total"], 0, -1))
            totals.append(answer["pagination"]["total"])

    await asyncio.gather(read(), *(wallet.top_up(1) for _ in range(60)))
    assert totals == sorted(totals)
    assert (await api.get(path)).json["pagination"]["total"] == 60
