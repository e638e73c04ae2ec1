"""Searches and cursors, against plain filtered lists in Python, on a ledger large enough to show what they cost."""

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from service import resources
from tests.database.test_lists import buffers, one_json
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger, Request
from tests.support.session import LEVELS, Session, result_of

BATCHES = 24
BATCH = 1000
LOOKED_AT_MAX = 10_000
"""How many rows a search looks at for a page, at most, give or take a block."""


class Row(NamedTuple):
    """A transaction, as the tables have it."""

    id: UUID
    source: UUID
    dest: UUID
    asset_type_id: UUID
    created_at: datetime
    type: str
    amount: Decimal
    reference_id: str | None


class Book(NamedTuple):
    """What was posted, newest first."""

    ledger: Ledger
    rows: list[Row]
    wallets: list[UUID]
    asset_types: list[UUID]

    def expected(self, **filters: Any) -> list[str]:
        """Give the ids a search has to find, newest first."""
        return [str(row.id) for row in self.rows if matches(row, **filters)]

    @property
    def connection(self) -> Connection:
        """The connection to it."""
        return self.ledger.connection


def matches(
    row: Row,
    account_id: UUID | None = None,
    type: str | None = None,  # noqa: A002 - the name of the parameter in SQL
    reference_id: str | None = None,
    asset_type_id: UUID | None = None,
    amount_min: Decimal | None = None,
    amount_max: Decimal | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> bool:
    """Say whether a search with these filters has to find the row."""
    return (
        (account_id is None or account_id in (row.source, row.dest))
        and type in {None, row.type}
        and reference_id in {None, row.reference_id}
        and asset_type_id in {None, row.asset_type_id}
        and (amount_min is None or row.amount >= amount_min)
        and (amount_max is None or row.amount <= amount_max)
        and (created_from is None or row.created_at >= created_from)
        and (created_to is None or row.created_at < created_to)
    )


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: only `book` writes to it."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture(scope="module")
def book(database_url: str) -> Iterator[Book]:
    """24,000 transactions in two assets, and a few of a third, whose instants are a day ahead of those after them."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset_types = [ledger.create_asset_type(symbol) for symbol in ("GC", "DM")]
        wallets = [ledger.create_wallet(asset_types[number % 2]) for number in range(40)]
        for batch in range(BATCHES):
            answers = ledger.post([request_of(batch, place, wallets, asset_types) for place in range(BATCH)])
            assert {answer.outcome for answer in answers} == {"POSTED"}
            if batch == 9:
                post_ahead_of_time(ledger)
        connection.execute("VACUUM ANALYZE")
        yield Book(ledger, rows_of(connection), wallets, asset_types)


def post_ahead_of_time(ledger: Ledger) -> None:
    """Post 50 in an asset of their own, a day ahead of what follows: as if the clock had been wrong for a moment."""
    asset_type_id = ledger.create_asset_type("EX")
    wallet = ledger.create_wallet(asset_type_id)
    ledger.connection.execute(
        "UPDATE wallet.accounts SET updated_at = clock_timestamp() + interval '1 day' WHERE id = %s", [wallet]
    )
    ledger.post(
        [Request(key=f"ahead-{place}", account_id=wallet, asset_type_id=asset_type_id, amount=3) for place in range(50)]
    )


def rows_of(connection: Connection) -> list[Row]:
    rows = connection.execute(
        "SELECT id, source_account_id, dest_account_id, asset_type_id, created_at, type::text, amount, reference_id"
        " FROM wallet.transactions ORDER BY id DESC"
    ).fetchall()
    return [Row(*row) for row in rows]


def request_of(batch: int, place: int, wallets: list[UUID], asset_types: list[UUID]) -> Request:
    # Wallet 0 has most; each batch is of one asset, but every fifth of both.
    index = 0 if batch % 2 == 0 else 1
    if place % 4 == 3:
        index = (place % 20) * 2 + index
    if batch % 5 == 4 and place % 2:
        index = 39 - index
    number = batch * BATCH + place
    return Request(
        type="BONUS" if number % 2000 == 1500 else "TOP_UP",
        key=f"k{number}",
        account_id=wallets[index],
        asset_type_id=asset_types[index % 2],
        # Rare large amounts, in few blocks.
        amount=Decimal(10**6 + number) if number in {5000, 5001, 17_000} else Decimal(number % 500 + 1).scaleb(-2),
        reference_id="monthly" if number % 100 == 7 else f"order-{number}" if number % 1000 == 1 else None,
    )


def search(book: Book, **arguments: Any) -> Any:
    """Call `wallet.search_transactions` with named parameters."""
    named = ", ".join(f"p_{name} => %s" for name in arguments)
    return one_json(book.connection, f"wallet.search_transactions({named})", *arguments.values())


def walk(page_after: Callable[[str], Any]) -> tuple[list[str], int]:
    """Follow a list's cursor to its end: all ids, and how many pages it took."""
    ids: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = page_after(cursor)
        ids += [row["id"] for row in page["data"]]
        cursor = page["pagination"]["nextCursor"]
        pages += 1
        assert pages < 1000, "the walk has no end"
    return ids, pages


def instants(book: Book) -> list[datetime]:
    return sorted({row.created_at for row in book.rows})


def some_filters(book: Book, seed: int) -> dict[str, Any]:
    """Draw one to four filters, each with a value that may match."""
    choice = random.Random(seed)
    times = instants(book)
    drawn = {
        "account_id": choice.choice([*book.wallets[:4], book.ledger.treasury(book.asset_types[0])]),
        "type": choice.choice(["BONUS", "TOP_UP", "SPEND"]),
        "reference_id": choice.choice(["monthly", "monthly", "order-5001", "nothing"]),
        "asset_type_id": choice.choice(book.asset_types),
        "amount_min": choice.choice([Decimal("4.5"), Decimal(10**6), Decimal(0)]),
        "amount_max": choice.choice([Decimal("0.03"), Decimal(10**6), Decimal(5)]),
        "created_from": choice.choice(times) + timedelta(microseconds=choice.choice([-1, 0, 1])),
        "created_to": choice.choice(times) + timedelta(microseconds=choice.choice([-1, 0, 1])),
    }
    return {name: drawn[name] for name in choice.sample(sorted(drawn), choice.randint(1, 4))}


@pytest.mark.parametrize("seed", range(60))
def test_a_search_finds_all_that_match_and_nothing_else(book: Book, seed: int) -> None:
    """By cursor: every match once, newest first, whatever is combined; by page: the newest of them."""
    filters = some_filters(book, seed)
    expected = book.expected(**filters)
    limit = 100 if len(expected) > 300 else 7
    ids, pages = walk(lambda cursor: search(book, **filters, limit=limit, cursor=cursor))
    assert ids == expected
    # A page may be short when 10,000 were looked at, so a search ends soon even if little matches.
    assert pages <= len(expected) // limit + BATCHES * BATCH // LOOKED_AT_MAX + 3
    first = search(book, **filters, limit=20)
    found = [row["id"] for row in first["data"]]
    assert found == expected[: len(found)]
    assert first["pagination"]["total"] <= len(expected)
    if len(expected) > 20 and not filters.keys() & {"amount_min", "amount_max"}:
        assert len(found) == 20 or "account_id" in filters or "type" in filters


def test_the_clock_of_the_book_did_step_back(book: Book) -> None:
    """What the searches above were tried on: instants out of the order of the numbers."""
    times = [row.created_at for row in reversed(book.rows)]
    assert times != sorted(times)


def test_rows_are_the_transactions_and_pages_count(book: Book) -> None:
    """A row is what get_transaction gives; pages follow each other."""
    expected = book.expected(reference_id="monthly")
    assert len(expected) == 240
    for page in (1, 2, 12, 13):
        found = search(book, reference_id="monthly", page=page, limit=20)
        assert [row["id"] for row in found["data"]] == expected[(page - 1) * 20 : page * 20]
        assert found["pagination"] == {"page": page, "limit": 20, "total": 240, "totalPages": 12}
    for row in found["data"]:
        assert row == one_json(book.connection, "wallet.get_transaction(%s)", row["id"])


def test_an_account_that_is_none_has_no_transactions(book: Book) -> None:
    found = search(book, account_id=uuid4(), amount_min=1, cursor="")
    assert found == {"data": [], "pagination": {"limit": 20, "nextCursor": None}}


@pytest.mark.parametrize(
    "arguments", [{"type": "HOLD"}, {"status": "PENDING"}, {"status": "FAILED"}, {"type": "x"}, {"status": "x"}]
)
def test_what_cannot_be_searched_is_refused(book: Book, arguments: dict[str, str]) -> None:
    """Holds are in a list of their own; silence would look like there were none."""
    assert list(refusal_of(lambda: search(book, **arguments, cursor=""))) == list(arguments)


def refusal_of(call: Callable[[], object]) -> dict[str, Any]:
    with pytest.raises(psycopg.Error) as raised:
        call()
    assert raised.value.sqlstate == "WL001"
    details: dict[str, Any] = json.loads(raised.value.diag.message_detail or "")
    return details


def test_unknown_cursors_are_refused(book: Book) -> None:
    """Of no list, of another list, of another account, of an account that is not there."""
    ours = search(book, cursor="")["pagination"]["nextCursor"]
    of_entries = search(book, account_id=book.wallets[0], cursor="")["pagination"]["nextCursor"]
    of_accounts = one_json(book.connection, "wallet.list_accounts(p_cursor => '', p_limit => 1)")["pagination"][
        "nextCursor"
    ]
    no_account = one_json(book.connection, "to_json(wallet.cursor_text('a', gen_random_uuid()))")
    calls: list[tuple[Callable[[str], object], list[str]]] = [
        (lambda cursor: search(book, cursor=cursor), [of_entries, of_accounts]),
        (lambda cursor: search(book, reference_id="monthly", cursor=cursor), [of_entries]),
        (lambda cursor: search(book, account_id=book.wallets[0], cursor=cursor), [ours, of_accounts]),
        (lambda cursor: search(book, account_id=book.wallets[1], cursor=cursor), [of_entries]),
        (
            lambda cursor: one_json(
                book.connection, "wallet.list_ledger_entries(%s, p_cursor => %s)", book.wallets[1], cursor
            ),
            [ours, of_entries],
        ),
        (lambda cursor: one_json(book.connection, "wallet.list_accounts(p_cursor => %s)", cursor), [ours, no_account]),
    ]
    for call, foreign in calls:
        for cursor in (*foreign, "x", ours[:-1], ours + "A", "=" * 34, "é" * 34, " " + ours[1:], ours[:33] + "B"):
            assert refusal_of(partial(call, cursor)) == {"cursor": ["Is no cursor of this list."]}


@pytest.mark.parametrize("account", ["wallet", "treasury"])
def test_a_ledger_is_followed_by_cursor(book: Book, account: str) -> None:
    """All entries once, newest first, as by page."""
    account_id = book.wallets[0] if account == "wallet" else book.ledger.treasury(book.asset_types[0])
    ids, pages = walk(
        lambda cursor: one_json(book.connection, "wallet.list_ledger_entries(%s, 1, 100, %s)", account_id, cursor)
    )
    rows = book.connection.execute(
        "SELECT left(transaction_id::text, 34) || lpad(to_hex(leg::integer), 2, '0') FROM wallet.ledger_entries"
        " WHERE account_id = %s ORDER BY version DESC",
        [account_id],
    ).fetchall()
    assert ids == [row[0] for row in rows]
    assert pages == -(-len(ids) // 100)


def test_the_counts_keep_the_ranges_of_what_they_count(book: Book) -> None:
    """Of each block and kind, the very first and last instant, the smallest and largest amount; so does the upgrade."""
    wrong = """
        SELECT count(*) FROM wallet.transaction_blocks AS b
        JOIN LATERAL (
            SELECT
                min(t.created_at) AS earliest, max(t.created_at) AS latest,
                min(t.amount) AS smallest, max(t.amount) AS largest
            FROM wallet.transactions AS t
            WHERE
                wallet.transaction_number(t.id) >> CASE b.level WHEN 0 THEN 10 ELSE 20 END = b.block
                AND t.asset_type_id = b.asset_type_id AND t.type = b.type
        ) AS t
            ON (b.created_min, b.created_max, b.amount_min, b.amount_max)
            IS DISTINCT FROM (t.earliest, t.latest, t.smallest, t.largest)
    """
    assert book.ledger._value(wrong) == 0
    migration = (resources.migrations_folder() / "0006-accounts.sql").read_text()
    (noting,) = re.findall(r"^DO \$\$.*?^\$\$;", migration, re.MULTILINE | re.DOTALL)
    with book.connection.transaction(force_rollback=True):
        book.connection.execute(
            "UPDATE wallet.transaction_blocks SET created_min = '-infinity', created_max = 'infinity', amount_min = 0,"
            " amount_max = 99999999999999.9999"
        )
        # Ranges that nobody noted hide nothing.
        expected = book.expected(amount_min=Decimal(10**6))
        assert walk(lambda cursor: search(book, amount_min=10**6, cursor=cursor))[0] == expected
        book.connection.execute(noting.encode())
        assert book.ledger._value(wrong) == 0


def test_postings_without_a_reference_pay_for_no_index_of_references(book: Book) -> None:
    """The index has an entry for each transaction with one, and no other."""
    book.connection.execute("ANALYZE wallet.transactions")
    kept = book.ledger._value(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = 'wallet.transactions_reference_idx'::regclass"
    )
    assert kept == sum(row.reference_id is not None for row in book.rows)


# --- what it costs


def test_a_page_costs_the_same_wherever_it_is(book: Book) -> None:
    """Blocks read for a page at the end of a walk, against those at its beginning: about the same, and few."""
    connection = book.connection
    treasury = book.ledger.treasury(book.asset_types[0])
    oldest = book.rows[-60]
    calls: tuple[tuple[str, str, tuple[UUID, ...]], ...] = (
        ("wallet.search_transactions(p_cursor => %s)", "t", ()),
        ("wallet.search_transactions(p_cursor => %s, p_reference_id => 'monthly')", "t", ()),
        ("wallet.search_transactions(p_cursor => %s, p_asset_type_id => %s)", "t", (book.asset_types[0],)),
        ("wallet.search_transactions(p_cursor => %s, p_account_id => %s)", "e", (book.wallets[0],)),
        ("wallet.search_transactions(p_cursor => %s, p_account_id => %s, p_amount_min => 0)", "e", (treasury,)),
        ("wallet.list_ledger_entries(p_cursor => %s, p_account_id => %s)", "e", (book.wallets[0],)),
        ("wallet.list_ledger_entries(p_cursor => %s, p_account_id => %s)", "e", (treasury,)),
    )
    for call, kind, arguments in calls:
        deep = (
            book.ledger._value("SELECT wallet.cursor_text('t', %s)", oldest.id)
            if kind == "t"
            else book.ledger._value("SELECT wallet.cursor_text('e', %s, 50)", arguments[0])
        )
        first = buffers(connection, call, "", *arguments)
        last = buffers(connection, call, deep, *arguments)
        assert last <= first * 1.5 + 60, call
        assert first < 1200, call


@pytest.mark.parametrize(
    "filters",
    [
        "p_amount_min => 1000000",
        "p_amount_max => 0.005",
        "p_created_from => '2000-01-01', p_created_to => '2001-01-01'",
        "p_created_from => '2100-01-01'",
        "p_type => 'SPEND'",
        "p_reference_id => 'nothing'",
        "p_reference_id => 'order-23001'",
        "p_account_id => '{wallet}', p_created_to => '2001-01-01'",
    ],
)
def test_what_is_rare_or_far_is_found_without_reading_the_ledger(book: Book, filters: str) -> None:
    """Whole blocks are passed over: far fewer are read than there are, and the walk is one page."""
    filters = filters.format(wallet=book.wallets[0])
    pages = buffers(book.connection, f"wallet.search_transactions({filters}, p_cursor => '')")
    table = book.ledger._value("SELECT relpages FROM pg_class WHERE oid = 'wallet.transactions'::regclass")
    assert table > 300
    assert pages < 250
    found = one_json(book.connection, f"wallet.search_transactions({filters}, p_cursor => '')")
    assert found["pagination"]["nextCursor"] is None


def test_a_page_in_the_middle_of_time_passes_over_what_is_newer(book: Book) -> None:
    """The few rows of one batch, by their instant: those, and the blocks they are in, are read."""
    time = instants(book)[4]
    expected = book.expected(created_from=time, created_to=time + timedelta(microseconds=1))
    arguments = (time, time + timedelta(microseconds=1))
    call = "wallet.search_transactions(p_created_from => %s, p_created_to => %s, p_cursor => '', p_limit => 100)"
    assert [row["id"] for row in one_json(book.connection, call, *arguments)["data"]] == expected[:100]
    assert buffers(book.connection, call, *arguments) < 1000


def test_a_search_that_matches_nothing_anywhere_ends_soon(book: Book) -> None:
    """An amount that every block could hold and none does: 10,000 rows are looked at, then the page ends, empty."""
    found = search(book, amount_min=Decimal("1.0001"), amount_max=Decimal("1.0099"), cursor="")
    assert found["data"] == []
    assert found["pagination"]["nextCursor"] is not None
    ids, pages = walk(
        lambda cursor: search(book, amount_min=Decimal("1.0001"), amount_max=Decimal("1.0099"), cursor=cursor)
    )
    assert (ids, pages) == ([], 3)


def test_a_page_that_ends_early_loses_nothing(book: Book) -> None:
    """An amount that is in every block, but rarely: each page but the last ends by what it looked at."""
    filters = {"amount_min": Decimal("1.23"), "amount_max": Decimal("1.23")}
    ids, pages = walk(lambda cursor: search(book, **filters, limit=100, cursor=cursor))
    assert ids == book.expected(**filters)
    assert len(ids) > 40
    assert pages == 3


# --- while others post


@pytest.fixture
def other(databases: Databases) -> Iterator[Ledger]:
    """A ledger of its own, to post to."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        yield Ledger(connection)


@pytest.mark.parametrize(
    "call",
    [
        "wallet.search_transactions(p_account_id => %s, p_limit => 3, p_cursor => %s)",
        "wallet.search_transactions(p_account_id => %s, p_limit => 3, p_cursor => %s, p_amount_max => 50)",
        "wallet.search_transactions(p_asset_type_id => (SELECT asset_type_id FROM wallet.accounts WHERE id = %s),"
        " p_limit => 3, p_cursor => %s)",
        "wallet.list_ledger_entries(%s, 1, 3, %s)",
    ],
)
def test_a_walk_stays_right_while_rows_are_added(other: Ledger, call: str) -> None:
    """All that was there at the beginning is seen once, though each page is followed by postings."""
    asset_type_id = other.create_asset_type()
    wallet = other.create_wallet(asset_type_id)
    before = [other.top_up(wallet, number + 1).id for number in range(20)]

    def page_after(cursor: str) -> Any:
        found = one_json(other.connection, call, wallet, cursor)
        other.top_up(wallet, 1)
        other.top_up(wallet, 2)
        return found

    ids, _ = walk(page_after)
    assert [one[:34] for one in ids] == [str(one)[:34] for one in reversed(before)]


def test_a_walk_over_stripes_stays_right_when_one_of_them_is_slow(databases: Databases) -> None:
    """A posting that began before the walk and ended within it comes in between; no other is shown twice or missed."""
    with databases.fresh(MIGRATED) as url, Session(url) as slow, closing(psycopg.connect(url, autocommit=True)) as own:
        ledger = Ledger(own)
        asset_type_id = ledger.create_asset_type()
        ledger.connection.execute("SELECT wallet.set_stripes('GC', 4)")
        treasury = ledger._value(
            "SELECT id FROM wallet.accounts WHERE account_type = 'TREASURY' AND asset_type_id = %s AND stripe = 0",
            asset_type_id,
        )
        wallets = [ledger.create_wallet(asset_type_id) for _ in range(40)]
        stripes = {wallet: ledger._value("SELECT (uuid_hash(%s) & 2147483647) %% 4", wallet) for wallet in wallets}
        late = next(wallet for wallet in wallets if stripes[wallet] == 3)
        others = [wallet for wallet in wallets if stripes[wallet] != 3]
        before = [ledger.top_up(wallet, 1).id for wallet in others[:8]]
        slow.begin(LEVELS[0])
        result_of(slow.start(lambda one: one.top_up(late, 1)))
        before += [ledger.top_up(wallet, 1).id for wallet in others[8:16]]
        pages = 0

        def page_after(cursor: str) -> Any:
            nonlocal pages
            pages += 1
            if pages == 2:
                slow.commit()
            return one_json(own, "wallet.list_ledger_entries(%s, 1, 3, %s)", treasury, cursor)

        ids, _ = walk(page_after)
        shown = [one[:34] for one in ids]
        assert len(set(shown)) == len(shown)
        assert [one for one in shown if one in {str(two)[:34] for two in before}] == [
            str(one)[:34] for one in reversed(before)
        ]


def test_a_long_reference_is_posted_and_found(other: Ledger) -> None:
    """As long as a reference may be: longer than an index entry could."""
    asset_type_id = other.create_asset_type()
    wallet = other.create_wallet(asset_type_id)
    texts = ["".join(random.Random(seed).choices("abcdefghij0123456789é", k=65_536)) for seed in (1, 2)]
    requests = [
        Request(key=f"k{number}", account_id=wallet, asset_type_id=asset_type_id, amount=1, reference_id=text)
        for number, text in enumerate(texts)
    ]
    answers = other.post(requests)
    for text, answer in zip(texts, answers, strict=True):
        found = one_json(other.connection, "wallet.search_transactions(p_reference_id => %s)", text)
        assert [row["id"] for row in found["data"]] == [str(answer.transaction_id)]
