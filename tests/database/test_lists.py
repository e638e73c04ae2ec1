"""Pages of entries and transactions, against plain sorted lists in Python."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger, Request, decoded

TRANSACTIONS = 5200
"""Enough numbers for six blocks of 1,024."""
BATCH = 400


class Row(NamedTuple):
    """A transaction that was posted."""

    id: UUID
    type: str
    accounts: frozenset[UUID]


class Book(NamedTuple):
    """What was posted, newest first."""

    ledger: Ledger
    rows: list[Row]
    wallets: list[UUID]
    treasury: UUID
    revenue: UUID

    def expected(self, account_id: UUID | None, kind: str | None, status: str | None) -> list[str]:
        """Give the ids a list has to show, newest first."""
        return [
            str(row.id)
            for row in self.rows
            if (account_id is None or account_id in row.accounts)
            and kind in {None, row.type}
            and status in {None, "COMPLETED"}
        ]


def kind_of(number: int) -> str:
    """Spread the types: bonuses now and then, spends only in a few far blocks."""
    if number in {1100, 1101, 3000, 5150}:
        return "SPEND"
    return "BONUS" if number % 97 == 3 or 2050 <= number < 2500 else "TOP_UP"


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: only `book` writes to it."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture(scope="module")
def book(database_url: str) -> Iterator[Book]:
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset_types = [ledger.create_asset_type(symbol) for symbol in ("GC", "DM")]
        wallets = [ledger.create_wallet(asset) for asset in (*asset_types, asset_types[0])]
        treasury, revenue = ledger.treasury(asset_types[0]), ledger.revenue(asset_types[0])
        rows: list[Row] = []
        for first in range(0, TRANSACTIONS, BATCH):
            numbers = range(first, first + BATCH)
            requests = [request_of(number, wallets, asset_types) for number in numbers]
            # A batch that is undone, and refusals in between, leave gaps in the numbers.
            connection.execute("BEGIN")
            ledger.post([replace(one, key=f"undone{one.key}") for one in requests[:30]])
            connection.execute("ROLLBACK")
            too_much = replace(requests[0], key="too much", type="SPEND", amount=10**12)
            answers = ledger.post([*requests, too_much])
            assert [answer.outcome for answer in answers] == ["POSTED"] * len(requests) + ["REFUSED"]
            for request, answer in zip(requests, answers, strict=False):
                assert answer.transaction_id is not None
                rows.append(row_of(ledger, request, answer.transaction_id))
        yield Book(ledger, rows[::-1], wallets, treasury, revenue)


SYSTEM_ACCOUNTS: dict[tuple[UUID, str], UUID] = {}


def row_of(ledger: Ledger, request: Request, transaction_id: UUID) -> Row:
    assert request.type is not None
    assert request.asset_type_id is not None
    assert request.account_id is not None
    side = "revenue" if request.type == "SPEND" else "treasury"
    key = (request.asset_type_id, side)
    if key not in SYSTEM_ACCOUNTS:
        SYSTEM_ACCOUNTS[key] = getattr(ledger, side)(request.asset_type_id)
    return Row(transaction_id, request.type, frozenset({request.account_id, SYSTEM_ACCOUNTS[key]}))


def request_of(number: int, wallets: list[UUID], asset_types: list[UUID]) -> Request:
    index = 0 if number % 11 else (number // 11) % 3
    kind = kind_of(number)
    index = 0 if kind == "SPEND" else index
    return Request(
        type=kind,
        key=f"k{number}",
        account_id=wallets[index],
        asset_type_id=asset_types[index % 2],
        amount=Decimal(number + 1).scaleb(-4),
    )


def transactions_page(
    ledger: Ledger,
    page: int = 1,
    limit: int = 20,
    account_id: UUID | None = None,
    kind: str | None = None,
    status: str | None = None,
) -> Any:
    return one_json(
        ledger.connection, "wallet.list_transactions(%s, %s, %s, %s, %s)", account_id, kind, status, page, limit
    )


def entries_page(ledger: Ledger, account_id: UUID, page: int = 1, limit: int = 20) -> Any:
    return one_json(ledger.connection, "wallet.list_ledger_entries(%s, %s, %s)", account_id, page, limit)


def one_json(connection: Connection, call: str, *arguments: object) -> Any:
    row = connection.execute(f"SELECT {call}::text".encode(), arguments).fetchone()
    assert row is not None
    return decoded(row[0])


def check_every_page(book: Book, limit: int, expected: list[str], **filters: Any) -> None:
    """Compare all pages up to one past the last."""
    pages = -(-len(expected) // limit)
    for page in range(1, pages + 2):
        found = transactions_page(book.ledger, page, limit, **filters)
        assert [row["id"] for row in found["data"]] == expected[(page - 1) * limit : page * limit]
        assert found["pagination"] == {
            "page": page,
            "limit": limit,
            "total": len(expected),
            "totalPages": pages,
        }


@pytest.mark.parametrize("kind", [None, "TOP_UP", "BONUS", "SPEND"])
@pytest.mark.parametrize("status", [None, "COMPLETED", "PENDING", "FAILED"])
def test_every_page_of_all_transactions(book: Book, kind: str | None, status: str | None) -> None:
    """Newest first, across blocks and gaps, with exact totals, at every depth, however rare the type."""
    expected = book.expected(None, kind, status)
    check_every_page(book, 100, expected, kind=kind, status=status)
    if len(expected) < 1000:
        check_every_page(book, 7, expected, kind=kind, status=status)


def test_pages_of_one(book: Book) -> None:
    """The limit 1, at the edges of blocks and elsewhere."""
    expected = book.expected(None, None, None)
    for page in (1, 2, 1000, 1023, 1024, 1025, 2048, TRANSACTIONS - 1, TRANSACTIONS, TRANSACTIONS + 1):
        found = transactions_page(book.ledger, page, 1)
        assert [row["id"] for row in found["data"]] == expected[page - 1 : page]


@pytest.mark.parametrize("kind", [None, "TOP_UP", "BONUS", "SPEND"])
@pytest.mark.parametrize("status", [None, "COMPLETED", "FAILED"])
def test_every_page_of_an_account(book: Book, kind: str | None, status: str | None) -> None:
    """Of each wallet and of the system accounts, with every filter."""
    for account_id in (*book.wallets, book.treasury, book.revenue):
        expected = book.expected(account_id, kind, status)
        check_every_page(book, 100, expected, account_id=account_id, kind=kind, status=status)


def test_an_account_that_is_none_has_no_transactions(book: Book) -> None:
    """An empty list, not a refusal."""
    found = transactions_page(book.ledger, account_id=UUID(int=1), kind="SPEND", status="COMPLETED")
    assert found == {"data": [], "pagination": {"page": 1, "limit": 20, "total": 0, "totalPages": 0}}
    assert transactions_page(book.ledger, account_id=UUID(int=1))["data"] == []


def test_rows_are_the_transactions(book: Book) -> None:
    """A row of a list is what get_transaction gives."""
    for row in transactions_page(book.ledger, 3, 5)["data"]:
        assert row == one_json(book.ledger.connection, "wallet.get_transaction(%s)", row["id"])


@pytest.mark.parametrize("account", ["wallet", "other wallet", "treasury", "revenue"])
def test_every_page_of_entries(book: Book, account: str) -> None:
    """Newest first, with the transaction's id and the leg in the entry's own."""
    account_id = {
        "wallet": book.wallets[0],
        "other wallet": book.wallets[2],
        "treasury": book.treasury,
        "revenue": book.revenue,
    }[account]
    entries = book.ledger.connection.execute(
        "SELECT transaction_id::text, entry_type::text, amount, balance_after, version, leg"
        " FROM wallet.ledger_entries WHERE account_id = %s ORDER BY version DESC",
        [account_id],
    ).fetchall()
    expected = [
        {
            "id": f"{transaction_id[:34]}{leg:02x}",
            "transactionId": transaction_id,
            "accountId": str(account_id),
            "entryType": entry_type,
            "amount": amount,
            "balanceAfter": balance_after,
            "version": version,
        }
        for transaction_id, entry_type, amount, balance_after, version, leg in entries
    ]
    assert len(expected) == len(book.expected(account_id, None, None))
    for limit in (100, 33) if len(expected) > 200 else (100, 33, 1):
        pages = -(-len(expected) // limit)
        for page in range(1, pages + 2):
            found = entries_page(book.ledger, account_id, page, limit)
            for row in found["data"]:
                assert row.pop("createdAt")
            assert found["data"] == expected[(page - 1) * limit : page * limit]
            assert found["pagination"] == {
                "page": page, "limit": limit, "total": len(expected), "totalPages": pages
            }  # fmt: skip


@pytest.mark.parametrize(
    ("page", "limit", "shown"),
    [
        (0, 20, (1, 20)),
        (-5, 20, (1, 20)),
        (-(2**63), 20, (1, 20)),
        (2**63 - 1, 20, (2**31 - 1, 20)),
        (1, 0, (1, 1)),
        (1, -1, (1, 1)),
        (1, -(2**31), (1, 1)),
        (1, 101, (1, 100)),
        (2, 2**31 - 1, (2, 100)),
        (2**63 - 1, 2**31 - 1, (2**31 - 1, 100)),
    ],
)
def test_pages_and_limits_are_clamped(book: Book, page: int, limit: int, shown: tuple[int, int]) -> None:
    """To the nearest good one, in all lists."""
    for found in (
        transactions_page(book.ledger, page, limit),
        transactions_page(book.ledger, page, limit, account_id=book.wallets[0]),
        transactions_page(book.ledger, page, limit, account_id=book.wallets[0], kind="BONUS"),
        entries_page(book.ledger, book.wallets[0], page, limit),
    ):
        assert (found["pagination"]["page"], found["pagination"]["limit"]) == shown
        assert len(found["data"]) == (shown[1] if shown[0] < 3 else 0)


def test_lists_of_nothing(databases: Databases) -> None:
    """An empty ledger has empty pages."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        wallet = ledger.create_wallet(ledger.create_asset_type())
        for found in (transactions_page(ledger), entries_page(ledger, wallet), transactions_page(ledger, 9, 9, wallet)):
            assert found["data"] == []
            assert (found["pagination"]["total"], found["pagination"]["totalPages"]) == (0, 0)


def test_a_filter_looks_at_the_newest_ten_thousand_entries_of_an_account(databases: Databases) -> None:
    """What is older is counted without a filter, and not found with one: the documented bound."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset_type_id = ledger.create_asset_type()
        wallet = ledger.create_wallet(asset_type_id)
        kinds = ["BONUS"] * 3 + ["TOP_UP"] * 9_999
        for first in range(0, len(kinds), 1000):
            ledger.post(
                [
                    Request(
                        type=kind, key=f"k{first + place}", account_id=wallet, asset_type_id=asset_type_id, amount=1
                    )
                    for place, kind in enumerate(kinds[first : first + 1000])
                ]
            )
        for account_id in (wallet, ledger.treasury(asset_type_id)):
            assert transactions_page(ledger, account_id=account_id)["pagination"]["total"] == 10_002
            [newest] = transactions_page(ledger, account_id=account_id, kind="BONUS")["data"]
            assert newest["idempotencyKey"] == "k2"
        assert transactions_page(ledger, kind="BONUS")["pagination"]["total"] == 3


def buffers(connection: Connection, call: str, *arguments: object) -> int:
    """Give how many blocks a warm call reads."""
    query = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT {call}".encode()
    connection.execute(query, arguments)
    row = connection.execute(query, arguments).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_a_deep_page_costs_no_more_than_the_first(book: Book) -> None:
    """Blocks read by a page near the end, against those of page 1: the depth adds next to nothing."""
    connection = book.ledger.connection
    for call, arguments in (
        ("wallet.list_transactions(p_page => %s)", ()),
        ("wallet.list_transactions(p_page => %s, p_type => 'TOP_UP')", ()),
        ("wallet.list_transactions(p_page => %s, p_account_id => %s)", (book.wallets[0],)),
        ("wallet.list_transactions(p_page => %s, p_account_id => %s)", (book.treasury,)),
        ("wallet.list_ledger_entries(p_page => %s, p_account_id => %s)", (book.wallets[0],)),
        ("wallet.list_ledger_entries(p_page => %s, p_account_id => %s)", (book.treasury,)),
    ):
        first = buffers(connection, call, 1, *arguments)
        deep = buffers(connection, call, 200, *arguments)
        assert deep <= first * 1.5 + 30, call
