"""What each role is kept from: by its rights, and everybody else by the guards."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.support.database import SEEDED, Connection, Databases
from tests.support.ledger import TABLES, Ledger

ALL_TABLES = (*TABLES, "api_keys", "doctor_runs", "posting_gate", "releases", "seal_blocks", "seals")
ROLES = ("wallet_service", "wallet_jobs", "wallet_auditor")

GUARDED = [
    *(
        (table, how)
        for table in ("transactions", "ledger_entries", "seals", "seal_blocks")
        for how in ("UPDATE", "DELETE", "TRUNCATE")
    ),
    *((table, how) for table in ("accounts", "asset_types") for how in ("DELETE", "TRUNCATE")),
    *(("idempotency_keys", how) for how in ("UPDATE", "TRUNCATE")),
]
"""What nobody may do, whatever their rights: the rows of these tables are kept for ever."""


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One database for the module: what is refused leaves it as it was."""
    with databases.fresh(SEEDED) as url:
        yield url


def statement(connection: Connection, table: str, how: str) -> sql.Composed:
    """Give a statement that needs just this one right on the table."""
    row = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND attidentity = '' ORDER BY attnum LIMIT 1",
        [f"wallet.{table}"],
    ).fetchone()
    assert row is not None
    text = {
        "INSERT": "INSERT INTO {table} DEFAULT VALUES",
        "SELECT": "SELECT FROM {table}",
        "UPDATE": "UPDATE {table} SET {column} = DEFAULT",
        "DELETE": "DELETE FROM {table}",
        "TRUNCATE": "TRUNCATE {table} CASCADE",
    }[how]
    return sql.SQL(text).format(table=sql.Identifier("wallet", table), column=sql.Identifier(row[0]))


def test_the_list_of_tables_is_complete(connection: Connection) -> None:
    """No table of the schema is left out below."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'wallet'").fetchall()
    assert {row[0] for row in rows} == set(ALL_TABLES)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_writes_to_a_table(role: str, seeded_url: str, connect: Connect) -> None:
    """INSERT, UPDATE, DELETE and TRUNCATE are refused on every table: the functions are the one way."""
    connection = connect(seeded_url, role=role)
    owner = connect(seeded_url)
    before = Ledger(owner).state()
    for table in ALL_TABLES:
        for how in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            if (role, table, how) == ("wallet_service", "posting_gate", "UPDATE"):
                continue  # The right to lock it; there is never a row in it.
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement(owner, table, how))
    assert Ledger(owner).state() == before


@pytest.mark.parametrize("role", ["wallet_service", "wallet_jobs"])
def test_the_writing_roles_read_through_the_functions_only(role: str, seeded_url: str, connect: Connect) -> None:
    """No SELECT on any table."""
    connection = connect(seeded_url, role=role)
    for table in ALL_TABLES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement(connect(seeded_url), table, "SELECT"))


def test_the_auditor_reads_every_table(seeded_url: str, connect: Connect) -> None:
    """Finance may look at everything."""
    connection = connect(seeded_url, role="wallet_auditor")
    for table in set(ALL_TABLES) - {"api_keys"}:
        connection.execute(statement(connection, table, "SELECT"))


def test_rights_on_tables_are_just_these(connection: Connection) -> None:
    """The auditor may SELECT, the service may UPDATE the empty gate (so that it may lock it), PUBLIC nothing."""
    rows = connection.execute("""
        SELECT c.relname::text, coalesce(g.rolname, 'PUBLIC')::text, a.privilege_type
        FROM pg_class AS c
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        LEFT JOIN pg_roles AS g ON a.grantee = g.oid
        WHERE c.relnamespace = 'wallet'::regnamespace AND c.relkind IN ('r', 'v', 'S') AND a.grantee <> c.relowner
    """).fetchall()
    expected = {(table, "wallet_auditor", "SELECT") for table in ALL_TABLES if table != "api_keys"}
    assert set(rows) == {*expected, ("posting_gate", "wallet_service", "UPDATE")}


def test_no_row_can_be_in_the_gate(connection: Connection) -> None:
    """What wallet_service may update is empty for ever."""
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO wallet.posting_gate VALUES (TRUE)")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_makes_objects_or_reaches_the_owner(role: str, connect: Connect, database_url: str) -> None:
    """No CREATE in the schema, no new currencies, no membership in the owner."""
    connection = connect(database_url, role=role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE wallet.mine ()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT wallet.create_asset_type('X', 'x')")
    member = connection.execute("SELECT pg_has_role(%s, 'wallet_owner', 'MEMBER')", [role]).fetchone()
    assert member == (False,)


@pytest.mark.parametrize("role", ["wallet_owner", "postgres"])
@pytest.mark.parametrize(("table", "how"), GUARDED)
def test_not_even_the_owner_changes_what_is_kept_for_ever(
    role: str, table: str, how: str, seeded_url: str, connect: Connect
) -> None:
    """WL012, and the rows are as they were."""
    connection = connect(seeded_url)
    ledger = Ledger(connection)
    before = ledger.state()
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    with pytest.raises(psycopg.DatabaseError) as raised:
        connection.execute(statement(connection, table, how))
    assert raised.value.sqlstate == "WL012"
    assert raised.value.diag.message_hint == "Correct a posting with another posting."
    assert ledger.state() == before


def test_jobs_post_and_auditors_check(seeded_url: str, connect: Connect) -> None:
    """The functions do work for the roles they are granted to, without any right on a table."""
    owner = Ledger(connect(seeded_url))
    asset_type_id = owner.create_asset_type("GC")
    jobs = connect(seeded_url, role="wallet_jobs")
    wallet = Ledger(jobs).create_wallet(asset_type_id)
    for function in ("top_up", "bonus", "spend"):
        jobs.execute(
            sql.SQL("SELECT wallet.{}(%s, %s, 2, %s)").format(sql.Identifier(function)),
            [wallet, asset_type_id, function],
        )
    assert owner.balance(wallet) == 2
    auditor = connect(seeded_url, role="wallet_auditor")
    assert Ledger(auditor).problems() == {}
    assert auditor.execute("SELECT count(*) FROM wallet.trial_balance()").fetchone() == (3,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        Ledger(auditor).create_wallet(asset_type_id)


def test_a_temporary_table_of_the_caller_is_not_taken_for_ours(seeded_url: str, connect: Connect) -> None:
    """A caller's own objects in front of the search path change nothing inside the functions."""
    owner = Ledger(connect(seeded_url))
    jobs = connect(seeded_url, role="wallet_jobs")
    jobs.execute("CREATE TEMPORARY TABLE accounts (id uuid)")
    jobs.execute("CREATE FUNCTION pg_temp.trim_scale(numeric) RETURNS numeric LANGUAGE sql RETURN 666")
    jobs.execute("SET search_path = pg_temp, wallet, pg_catalog")
    wallet = Ledger(jobs).create_wallet(owner.create_asset_type("GC"))
    row = jobs.execute("SELECT wallet.get_account(%s) ->> 'balance'", [wallet]).fetchone()
    assert row == ("0",)
