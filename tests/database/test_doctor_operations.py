"""The doctor on holds, refunds, conversions, limits and changes: silent on a whole ledger, and every check speaks."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.database.operation_corruptions import OPERATION_CORRUPTIONS
from tests.database.operation_world import Names, World
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.guards import unguarded
from tests.support.ledger import Ledger


@pytest.fixture(scope="module")
def books(databases: Databases) -> Iterator[tuple[str, Names]]:
    """One database for the module: what is broken is rolled back."""
    with databases.fresh(MIGRATED) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            names = World(Ledger(connection)).fill()
            for name, symbol, account_type in (
                ("conversion_account", "GC", "CONVERSION"),
                ("lp_revenue", "LP", "REVENUE"),
            ):
                row = connection.execute(
                    "SELECT id FROM wallet.accounts WHERE external_id = %s", [f"SYSTEM_{account_type}_{symbol}"]
                ).fetchone()
                assert row is not None
                names[name] = row[0]
        yield url, names


@pytest.fixture
def connection(books: tuple[str, Names]) -> Iterator[Connection]:
    """A transaction that is rolled back at the end."""
    with closing(psycopg.connect(books[0])) as connection:
        yield connection
        connection.rollback()


def test_the_checks_are_silent_where_every_operation_happened(connection: Connection) -> None:
    """No false alarm: neither in a full run nor in one that begins anywhere."""
    assert Ledger(connection).problems() == {}
    rows = connection.execute(
        "SELECT c.check_name, n.number, r.example"
        " FROM wallet.doctor_checks() AS c, generate_series(1, 40) AS n (number),"
        " wallet.run_check(c.check_name, wallet.transaction_id(n.number, '00000000-0000-0000-0000-000000000000')) AS r"
        " WHERE c.scope = 'since' AND r.problems > 0"
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize(
    ("check", "number"),
    [
        pytest.param(check, number, id=f"{check}-{number}")
        for check, found in OPERATION_CORRUPTIONS.items()
        for number in range(len(found))
    ],
)
def test_a_check_finds_its_corruption_and_no_other_check_fires(
    connection: Connection, books: tuple[str, Names], check: str, number: int
) -> None:
    """The check counts the problem and shows one; what else must fire is on the list."""
    statement, implied = OPERATION_CORRUPTIONS[check][number]
    ids = {name.replace("-", "_"): f"'{value}'" for name, value in books[1].items()}
    ids["void"] = f"'{void_id(connection)}'"
    with unguarded(connection):
        assert connection.execute(statement.format(**ids).encode()).rowcount != 0
    assert set(Ledger(connection).problems()) == {check, *implied}
    row = connection.execute("SELECT example FROM wallet.run_check(%s)", [check]).fetchone()
    assert row is not None
    assert isinstance(row[0], dict)


def void_id(connection: Connection) -> object:
    """Give the id that the void drew."""
    row = connection.execute("SELECT transaction_id FROM wallet.idempotency_keys WHERE key = 'void'").fetchone()
    assert row is not None
    return row[0]
