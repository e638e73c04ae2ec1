"""Statements: ends as `balance_at` has them, lines that lead from one to the other, whatever is posted meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.operation_scene import Scene
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger, Request
from tests.support.operations import entry
from tests.support.session import LEVELS, READ_COMMITTED, Session
from tests.support.statements import (
    Json,
    OpenStatement,
    be_patient,
    check_arithmetic,
    fill,
    instant_text,
    lines_of,
    open_statement,
    psql_statement,
)

TICK = timedelta(microseconds=1)
STRIPES = 5


class Book(NamedTuple):
    """A ledger with a history, its striped treasury, and two of its wallets."""

    ledger: Ledger
    treasury: UUID
    wallet: UUID
    empty: UUID

    @property
    def connection(self) -> Connection:
        return self.ledger.connection


@pytest.fixture(scope="module")
def book(databases: Databases) -> Iterator[Book]:
    """Batches of one instant over eight wallets; the treasury's stripes are raised on the way."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset = ledger.create_asset_type()
        wallets = [ledger.create_wallet(asset) for _ in range(8)]
        for batch in range(24):
            if batch == 8:
                connection.execute("SELECT wallet.set_stripes('GC', %s)", [STRIPES])
            ledger.post(
                [
                    Request(
                        type="SPEND" if batch and n == 3 else "TOP_UP",
                        key=f"{batch}-{n}",
                        account_id=wallets[(batch * 5 + n * 3) % 7],
                        asset_type_id=asset,
                        amount=Decimal(1 + n) / 4,
                    )
                    for n in range(1 + batch % 9)
                ]
            )
        yield Book(ledger, ledger.treasury(asset), wallets[0], wallets[7])


def account_of(book: Book, name: str) -> UUID:
    found: UUID = getattr(book, name)
    return found


def history(connection: Connection, account_id: UUID) -> list[Json]:
    """An account's entries over all its stripes, as plain SQL reads them: oldest first."""
    rows = connection.execute(
        """
        SELECT
            left(e.transaction_id::text, 34) || lpad(to_hex(e.leg::integer), 2, '0'),
            e.entry_type::text, e.amount, e.created_at,
            sum(CASE e.entry_type WHEN 'CREDIT' THEN e.amount ELSE -e.amount END)
                OVER (ORDER BY e.created_at, e.account_id, e.version)
        FROM wallet.ledger_entries AS e
        WHERE wallet.public_account_id(e.account_id) = %s
        ORDER BY e.created_at, e.account_id, e.version
        """,
        [account_id],
    ).fetchall()
    names = ("id", "entryType", "amount", "at", "balanceAfter")
    return [dict(zip(names, row, strict=True)) | {"version": place} for place, row in enumerate(rows, 1)]


def balance_at(connection: Connection, account_id: UUID, at: datetime) -> Decimal:
    row = connection.execute("SELECT wallet.balance_at(%s, %s)", [account_id, at]).fetchone()
    assert row is not None
    return Decimal(row[0])


def instants(connection: Connection, account_id: UUID) -> list[datetime]:
    """The instants of the account's entries, each also a microsecond before and after it."""
    found = {one["at"] for one in history(connection, account_id)}
    return sorted({at + step * TICK for at in found for step in (-1, 0, 1)})


def check_statement(
    connection: Connection, account_id: UUID, entries: list[Json], from_at: datetime, to_at: datetime
) -> None:
    """Hold a statement, read either way, to `balance_at` and to the history between the instants."""
    statement = open_statement(connection, account_id, from_at, to_at)
    head, lines = statement.head, statement.lines()
    expected = [one for one in entries if from_at < one["at"] <= to_at]
    names = ("id", "entryType", "amount", "balanceAfter", "version")
    assert [[line[name] for name in names] for line in lines] == [[one[name] for name in names] for one in expected]
    assert [line["createdAt"] for line in lines] == [instant_text(one["at"]) for one in expected]
    assert head["opening"]["balance"] == balance_at(connection, account_id, from_at)
    assert head["closing"]["balance"] == balance_at(connection, account_id, to_at)
    assert (head["from"], head["to"]) == (instant_text(from_at), instant_text(to_at))
    check_arithmetic(head, lines)
    rows = psql_statement(connection, account_id, from_at, to_at)
    assert lines_of(rows) == lines
    ends = [(row["record"], row["version"], row["created_at"], row["balance"]) for row in (rows[0], rows[-1])]
    assert ends == [
        ("OPENING", head["opening"]["version"], from_at, head["opening"]["balance"]),
        ("CLOSING", head["closing"]["version"], to_at, head["closing"]["balance"]),
    ]


@pytest.mark.parametrize("account", ["wallet", "treasury"])
def test_statements_between_any_two_instants(book: Book, account: str) -> None:
    """The ends are those of `balance_at`; the lines are the entries after the one and up to the other."""
    account_id = account_of(book, account)
    entries, found = history(book.connection, account_id), instants(book.connection, account_id)
    for place, from_at in enumerate(found):
        for to_at in found[place :: 1 + len(found) // 6]:
            check_statement(book.connection, account_id, entries, from_at, to_at)


@pytest.mark.parametrize("account", ["wallet", "treasury"])
def test_statements_of_neighbouring_spans_abut(book: Book, account: str) -> None:
    """One ends with the version and balance the next begins with; together they are the whole history."""
    account_id = account_of(book, account)
    bounds = [None, *instants(book.connection, account_id)[::4], None]
    statements = [open_statement(book.connection, account_id, *span) for span in pairwise(bounds)]
    assert [one.head["closing"] for one in statements[:-1]] == [one.head["opening"] for one in statements[1:]]
    lines = [line["id"] for one in statements for line in one.lines()]
    assert lines == [one["id"] for one in history(book.connection, account_id)]


@pytest.mark.parametrize("account", ["wallet", "treasury"])
@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_of_any_size_are_the_statement(book: Book, account: str, limit: int) -> None:
    """However it is cut, also where a page ends among entries of one instant."""
    account_id = account_of(book, account)
    statement = open_statement(book.connection, account_id)
    pages = list(statement.pages(limit))
    assert account == "treasury" or [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    lines = [line for page in pages for line in page]
    check_arithmetic(statement.head, lines)
    assert [line["id"] for line in lines] == [one["id"] for one in history(book.connection, account_id)]


def test_an_account_without_entries(book: Book) -> None:
    """Zero, version 0, no line."""
    statement = open_statement(book.connection, book.empty)
    assert statement.head["opening"] == statement.head["closing"] == {"version": 0, "balance": 0}
    assert statement.head["from"] is None
    assert statement.lines() == []
    assert [row["record"] for row in psql_statement(book.connection, book.empty)] == ["OPENING", "CLOSING"]


@pytest.mark.parametrize(
    ("from_at", "to_at", "count"),
    [
        (None, None, "all"),
        ("-infinity", "infinity", "all"),
        ("4713-01-01 BC", "9999-12-31", "all"),
        ("infinity", None, 0),
        ("2999-01-01", "3000-01-01", 0),
        (None, "-infinity", 0),
    ],
)
def test_instants_beyond_the_history(book: Book, from_at: str | None, to_at: str | None, count: int | str) -> None:
    """The future is taken as now; the instants that are told are those that were meant."""
    asked = book.connection.execute("SELECT clock_timestamp()").fetchone()
    statement = open_statement(book.connection, book.wallet, from_at, to_at)
    assert len(statement.lines()) == (len(history(book.connection, book.wallet)) if count == "all" else count)
    from_told, to_told = statement.head["from"], statement.head["to"]
    assert asked is not None
    if to_at == "-infinity":
        assert to_told == "0001-01-01T00:00:00.000000Z"
    else:
        assert abs(datetime.fromisoformat(to_told) - asked[0]) < timedelta(minutes=1)
    if from_at in ("-infinity", "4713-01-01 BC"):
        assert from_told == "0001-01-01T00:00:00.000000Z"
    elif from_at is not None:
        assert from_told == to_told
    assert len(psql_statement(book.connection, book.wallet, from_at, to_at)) == len(statement.lines()) + 2 or count


@pytest.mark.parametrize("function", ["statement", "open_statement"])
def test_what_is_refused(book: Book, function: str) -> None:
    """No such account, a stripe's own id, ends in the wrong order."""
    stripe = book.connection.execute("SELECT id FROM wallet.accounts WHERE stripe = 1").fetchone()
    assert stripe is not None
    for account_id, from_at, to_at, sqlstate in (
        (UUID(int=1), None, None, "WL003"),
        (None, None, None, "WL003"),
        (stripe[0], None, None, "WL003"),
        (book.wallet, "2026-01-01T00:00:00.000001Z", "2026-01-01Z", "WL001"),
    ):
        with pytest.raises(psycopg.DatabaseError) as caught:
            book.connection.execute(
                f"SELECT * FROM wallet.{function}(%s, %s::timestamptz, %s::timestamptz)".encode(),
                [account_id, from_at, to_at],
            )
        assert caught.value.sqlstate == sqlstate
    assert caught.value.diag.message_detail == '{"from": ["Must not be after to."]}'


def test_every_kind_of_transaction_names_the_other_side(connect: Connect, database_url: str) -> None:
    """Type, reference, description, and the other accounts in order of leg, system accounts by the id that is shown."""
    connection = connect(database_url)
    ledger = Ledger(connection)
    coins, points = ledger.create_asset_type("GC", 2), ledger.create_asset_type("LP", 4)
    connection.execute("SELECT wallet.set_stripes(symbol, 4) FROM wallet.asset_types")
    ann, bob, zoe = (ledger.create_wallet(coins) for _ in range(3))
    scene = Scene(ledger, coins, points, ann, bob, zoe, ledger.create_wallet(points))
    ledger.top_up(ann, 100)
    ledger.top_up(bob, 50)
    spend = scene.do("SPEND", reference_id="ref", description="text")
    scene.do("REFUND", related_id=spend.id, amount=1, description="why")
    scene.do("TRANSFER")
    scene.do("JOURNAL", entries=[entry(bob, "DEBIT", 3), entry(ann, "CREDIT", 1), entry(zoe, "CREDIT", 2)])
    scene.do("CAPTURE", related_id=scene.do("HOLD", amount=4).id)
    scene.do("CONVERSION")
    row = connection.execute(
        "SELECT array_agg(id ORDER BY symbol) FROM wallet.accounts JOIN wallet.asset_types AS t (asset, symbol)"
        " ON asset_type_id = asset WHERE account_type = 'CONVERSION' AND stripe = 0"
    ).fetchone()
    assert row is not None
    treasury, revenue = ledger.treasury(coins), ledger.revenue(coins)
    found = [
        (line["type"], line["entryType"], line["referenceId"], line["description"], line["counterpartyAccountIds"])
        for line in open_statement(connection, ann).lines()
    ]
    assert found == [
        (kind, side, reference, description, [str(one) for one in others])
        for kind, side, reference, description, others in (
            ("TOP_UP", "CREDIT", None, None, [treasury]),
            ("SPEND", "DEBIT", "ref", "text", [revenue]),
            ("REFUND", "CREDIT", None, "why", [revenue]),
            ("TRANSFER", "DEBIT", None, None, [bob]),
            ("JOURNAL", "CREDIT", None, None, [bob, zoe]),
            ("CAPTURE", "DEBIT", None, None, [revenue]),
            ("CONVERSION", "DEBIT", None, None, [*row[0], scene.cid]),
        )
    ]
    assert lines_of(psql_statement(connection, ann)) == open_statement(connection, ann).lines()
    [line] = open_statement(connection, treasury).lines()[:1]
    assert line["counterpartyAccountIds"] == [str(ann)]


def test_a_page_of_large_lines_ends_early(ledger: Ledger) -> None:
    """About 1 MiB of text for the service to keep, and at least a line; none is lost."""
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    text = "ü" * 65_536
    ledger.post(
        [
            Request(key=f"k{n}", account_id=wallet, asset_type_id=asset, amount=1, description=text, reference_id=text)
            for n in range(20)
        ]
    )
    statement = open_statement(ledger.connection, wallet)
    pages = list(statement.pages())
    assert [len(page) for page in pages] == [4] * 5
    check_arithmetic(statement.head, [line for page in pages for line in page])


def test_what_is_posted_after_it_was_opened_is_not_in_it(ledger: Ledger) -> None:
    """Also not what a slower stripe brings in with an instant in the middle of it."""
    asset = ledger.create_asset_type()
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 3)")
    wallets = [ledger.create_wallet(asset) for _ in range(9)]
    treasury = ledger.treasury(asset)
    # As if these stripes were posted to ahead of the others, whose next instants are then in the middle.
    ledger.connection.execute(
        "UPDATE wallet.accounts SET updated_at = clock_timestamp() + stripe * interval '1 hour'"
        " WHERE account_type = 'TREASURY'"
    )
    for wallet in wallets:
        ledger.top_up(wallet, 1)
    before = history(ledger.connection, treasury)
    statement = open_statement(ledger.connection, treasury)
    pages = statement.pages(2)
    lines = next(pages)
    for wallet in wallets:
        ledger.top_up(wallet, 1)
    lines += [line for page in pages for line in page]
    assert [line["id"] for line in lines] == [one["id"] for one in before]
    check_arithmetic(statement.head, lines)
    after = open_statement(ledger.connection, treasury)
    assert len(after.lines()) == 18
    assert not statement.head["isFinal"]


def test_a_clock_that_was_set_back(ledger: Ledger) -> None:
    """Up to now is up to the account's newest entry, though that lies ahead of the clock; and it is not final."""
    wallet = ledger.create_wallet(ledger.create_asset_type())
    ledger.top_up(wallet, 1)
    ahead = ledger.connection.execute(
        "UPDATE wallet.accounts SET updated_at = clock_timestamp() + interval '1 hour' WHERE id = %s"
        " RETURNING updated_at",
        [wallet],
    ).fetchone()
    assert ahead is not None
    ledger.top_up(wallet, 2)
    for statement in (
        open_statement(ledger.connection, wallet),
        open_statement(ledger.connection, wallet, ahead[0] - TICK),
    ):
        assert (statement.head["to"], statement.head["closing"]["balance"]) == (instant_text(ahead[0]), 3)
        assert not statement.head["isFinal"]
    # What ends before the account's last change is final all the same: nothing can be posted there.
    statement = open_statement(ledger.connection, wallet, None, ahead[0] - TICK)
    assert (statement.head["isFinal"], statement.head["closing"]["balance"]) == (True, 1)
    ledger.top_up(wallet, 4)
    assert open_statement(ledger.connection, wallet, None, ahead[0] - TICK).head == statement.head
    assert open_statement(ledger.connection, wallet).head["closing"]["balance"] == 7


def test_a_posting_in_flight_is_waited_for(database_url: str, ledger: Ledger) -> None:
    """Its instant is before the statement's end, its commit after it was asked for: it is in it."""
    wallet = ledger.create_wallet(ledger.create_asset_type())
    ledger.top_up(wallet, 1)
    with Session(database_url) as job, Session(database_url) as reader:
        # A quarter of a second would make this test a matter of luck.
        be_patient(reader.connection)
        job.begin(READ_COMMITTED)
        job.ledger.top_up(wallet, 2)
        waiting = reader.start(lambda own: open_statement(own.connection, wallet))
        until_it_sleeps(ledger.connection, reader.connection.info.backend_pid)
        job.commit()
        statement = waiting.result(30)
        assert (statement.head["isFinal"], statement.head["closing"]) == (True, {"version": 2, "balance": 3})


def until_it_sleeps(connection: Connection, pid: int) -> None:
    """Wait until a session sleeps between two looks at the postings in flight."""
    connection.execute(
        f"""
        DO $$ BEGIN
            FOR v_try IN 1..6000 LOOP
                PERFORM pg_stat_clear_snapshot();
                EXIT WHEN EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep');
                PERFORM pg_sleep(0.005);
            END LOOP;
        END $$
        """.encode()
    )


def test_a_job_that_dawdles_holds_nobody_up(database_url: str, ledger: Ledger) -> None:
    """The statement comes without its posting and says that it is not final; one that ends earlier is, at once."""
    asset = ledger.create_asset_type()
    wallet, other = ledger.create_wallet(asset), ledger.create_wallet(asset)
    ledger.top_up(wallet, 1)
    [first] = [one["at"] for one in history(ledger.connection, wallet)]
    ledger.top_up(wallet, 1)
    with Session(database_url) as job:
        job.begin(READ_COMMITTED)
        job.ledger.top_up(other, 2)
        for account_id, version in ((wallet, 2), (other, 0)):
            statement = open_statement(ledger.connection, account_id)
            assert (statement.head["isFinal"], statement.head["closing"]["version"]) == (False, version)
        assert open_statement(ledger.connection, wallet, None, first).head["isFinal"]
        job.rollback()
    assert open_statement(ledger.connection, other).head["isFinal"]


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_called_final_that_an_old_snapshot_cannot_see(database_url: str, ledger: Ledger, level: str) -> None:
    """Where a login reads in one snapshot, only what ends before the account's last change is."""
    wallet = ledger.create_wallet(ledger.create_asset_type())
    ledger.top_up(wallet, 1)
    [first] = [one["at"] for one in history(ledger.connection, wallet)]
    with Session(database_url) as reader:
        reader.begin(level)
        reader.connection.execute("SELECT 1 FROM wallet.accounts LIMIT 1")
        ledger.top_up(wallet, 2)
        statement = open_statement(reader.connection, wallet)
        sees_it = level == READ_COMMITTED
        assert (statement.head["isFinal"], statement.head["closing"]["version"]) == (sees_it, 2 if sees_it else 1)
        assert open_statement(reader.connection, wallet, None, first - TICK).head["isFinal"]
        reader.rollback()


class Reading(NamedTuple):
    """A statement that was read while postings went on."""

    opened: OpenStatement
    lines: list[Json]


def test_statements_that_are_read_while_postings_go_on(database_url: str, ledger: Ledger, connect: Connect) -> None:
    """Each from where the one before ended, up to now: each is right, they abut, and they never change afterwards."""
    asset = ledger.create_asset_type()
    ledger.connection.execute("SELECT wallet.set_stripes('GC', %s)", [STRIPES])
    wallets = [ledger.create_wallet(asset) for _ in range(6)]
    treasury = ledger.treasury(asset)
    be_patient(ledger.connection)
    done = threading.Event()
    errors: list[BaseException] = []
    readings: dict[UUID, list[Reading]] = {account_id: [] for account_id in (treasury, wallets[0])}

    def post_on(number: int) -> None:
        own = Ledger(connect(database_url))
        try:
            for n in range(60):
                # Some hold their transaction open for a while after the posting.
                with own.connection.transaction():
                    own.top_up(wallets[(number + n) % len(wallets)], 1)
                    if n % 3:
                        own.spend(wallets[(number + n) % len(wallets)], Decimal("0.5"))
                    own.connection.execute("SELECT pg_sleep(%s)", [0.004 * (n % 4)])
        except BaseException as error:
            errors.append(error)

    def read_on(account_id: UUID) -> None:
        connection = connect(database_url)
        connection.execute("SET ROLE wallet_service")
        try:
            ended, from_at = False, None
            while not ended:
                ended = done.is_set()
                opened = open_statement(connection, account_id, from_at)
                readings[account_id].append(Reading(opened, opened.lines(7)))
                from_at = opened.head["to"]
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=post_on, args=(number,)) for number in range(4)]
    readers = [threading.Thread(target=read_on, args=(account_id,)) for account_id in readings]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert errors == []
    for account_id, found in readings.items():
        assert len(found) > 10
        assert sum(bool(one.lines) for one in found) > 5
        for one in found:
            assert one.opened.head["isFinal"]
            check_arithmetic(one.opened.head, one.lines)
        for one, following in pairwise(found):
            assert one.opened.head["closing"] == following.opened.head["opening"]
        lines = [line["id"] for one in found for line in one.lines]
        assert lines == [one["id"] for one in history(ledger.connection, account_id)]
        for one in found[::5]:
            again = open_statement(ledger.connection, account_id, one.opened.head["from"], one.opened.head["to"])
            assert (again.head, again.lines()) == (one.opened.head, one.lines)


@pytest.fixture(scope="module")
def large(databases: Databases) -> Iterator[Book]:
    """A wallet of 40,000 lines, and the treasury that they came from."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset = ledger.create_asset_type()
        wallet, small = ledger.create_wallet(asset), ledger.create_wallet(asset)
        fill(connection, wallet, 40_000)
        fill(connection, small, 40)
        # Plans are made as for a ledger a hundred times as large, and without a look at the arguments.
        connection.execute(
            "UPDATE pg_class SET reltuples = reltuples * 100 WHERE relnamespace = 'wallet'::regnamespace"
        )
        connection.execute("SET plan_cache_mode = force_generic_plan")
        yield Book(ledger, ledger.treasury(asset), wallet, small)


def blocks(connection: Connection, call: str, *arguments: object) -> int:
    """Give how many blocks a warm call reads."""
    query = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM {call}".encode()
    connection.execute(query, arguments)
    row = connection.execute(query, arguments).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_the_ends_are_found_by_halving(large: Book) -> None:
    """A thousand times the entries cost ten more steps at either end, of four blocks each."""
    call = "wallet.open_statement(%s, '2026-01-01T00:00:07Z', '2026-01-01T00:00:23Z')"
    few, many = (blocks(large.connection, call, account_id) for account_id in (large.empty, large.wallet))
    # Twice: the postings in flight are looked for in between.
    assert many - few <= 2 * 2 * 10 * 4 + 20


@pytest.mark.parametrize("account", ["wallet", "treasury"])
def test_a_page_costs_its_lines_wherever_it_is(large: Book, account: str) -> None:
    """Two look-ups by key for each line, and next to nothing besides, in the beginning and at the end."""
    for from_at in (None, "2026-01-01T11:00:00Z"):
        statement = open_statement(large.connection, account_of(large, account), from_at)
        call = "wallet.statement_page(%s, %s::bigint[], %s::bigint[], 0, %s)"
        arguments = (statement.account_ids, statement.lows, statement.highs)
        found = {limit: blocks(large.connection, call, *arguments, limit) for limit in (1, 100, 400)}
        assert found[1] <= 40
        assert found[100] <= 40 + 100 * 5
        assert found[400] <= 40 + 400 * 5


def test_a_statement_in_psql_costs_its_lines(large: Book) -> None:
    """Of 40,000 entries it reads the hundred that it shows."""
    call = "wallet.statement(%s, '2026-01-01T05:00:00Z', '2026-01-01T05:01:40Z')"
    assert len(psql_statement(large.connection, large.wallet, "2026-01-01T05:00:00Z", "2026-01-01T05:01:40Z")) == 102
    assert blocks(large.connection, call, large.wallet) <= 300 + 100 * 5


def test_pages_of_uneven_stripes(ledger: Ledger) -> None:
    """A history in one stripe, then in all: few pages, each within its bound, and nothing is lost."""
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    fill(ledger.connection, wallet, 3_000)
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 64)")
    wallets = [ledger.create_wallet(asset) for _ in range(100)]
    for batch in range(10):
        ledger.post(
            [
                Request(key=f"{batch}-{n}", account_id=one, asset_type_id=asset, amount=1)
                for n, one in enumerate(wallets)
            ]
        )
    treasury = ledger.treasury(asset)
    statement = open_statement(ledger.connection, treasury)
    pages = list(statement.pages(250))
    assert len(pages) <= 2 * (4_000 / 250) + 2
    lines = [line for page in pages for line in page]
    check_arithmetic(statement.head, lines)
    assert [line["id"] for line in lines] == [one["id"] for one in history(ledger.connection, treasury)]
