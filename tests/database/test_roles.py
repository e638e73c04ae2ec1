"""What each role may do, found out by trying: everything on every object of the schema, as a login with just that role.

Each object has a decision here. A new table, column, sequence, type, routine or schema without one fails a test.
"""

import re
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.database.test_catalogue import GRANTS
from tests.support.database import SEEDED, Connection, Databases
from tests.support.ledger import Ledger

SERVICE = "wallet_service"
JOBS = "wallet_jobs"
AUDITOR = "wallet_auditor"
NOBODY = "nobody"
"""A login that was given no role: what it may do, everybody may."""

ROLES = (SERVICE, JOBS, AUDITOR)

TABLES: Final[dict[str, dict[str, set[str]]]] = {
    "accounts": {AUDITOR: {"SELECT"}},
    "api_keys": {AUDITOR: {"SELECT"}},
    "asset_types": {AUDITOR: {"SELECT"}},
    "budgets": {AUDITOR: {"SELECT"}},
    "changes": {AUDITOR: {"SELECT"}},
    "debit_totals": {AUDITOR: {"SELECT"}},
    "doctor_runs": {AUDITOR: {"SELECT"}},
    "holds": {AUDITOR: {"SELECT"}},
    "idempotency_keys": {AUDITOR: {"SELECT"}},
    "ledger_entries": {AUDITOR: {"SELECT"}},
    # The right to lock it; there is never a row in it.
    "posting_gate": {AUDITOR: {"SELECT"}, SERVICE: {"UPDATE", "LOCK"}},
    "refund_totals": {AUDITOR: {"SELECT"}},
    "releases": {AUDITOR: {"SELECT"}},
    "seal_blocks": {AUDITOR: {"SELECT"}},
    "seals": {AUDITOR: {"SELECT"}},
    "spending_limits": {AUDITOR: {"SELECT"}},
    "transaction_blocks": {AUDITOR: {"SELECT"}},
    "transactions": {AUDITOR: {"SELECT"}},
    "webhooks": {AUDITOR: {"SELECT"}},
    "webhook_deliveries": {AUDITOR: {"SELECT"}},
}
"""By table: who may do what. Nobody else may do anything: the functions are the one way to write."""

SECRET_COLUMNS: Final = {("api_keys", "secret_sha256"), ("webhooks", "secret"), ("webhooks", "previous_secret")}
"""Columns that nobody may read, whoever reads the rest of the table."""

SEQUENCES: Final = {
    "transaction_numbers",
    "releases_release_seq",
    "doctor_runs_run_seq",
    "webhook_deliveries_number_seq",
}
"""Nobody may draw from them, set them, or look at them."""

TYPES: Final = {
    "account_type",
    "account_status",
    "hold_state",
    "operation",
    "event",
    "limit_cell",
    "limit_draw",
    "transaction_type",
    "transaction_status",
    "entry_type",
    "posting_request",
    "posting_line",
    "posting_answer",
    "keyed_answer",
    "transaction_filter",
    "webhook_status",
    "delivery_status",
}
"""Enumerations and composite types: whoever may use the schema may use them; they give no right to anything."""

SCHEMAS: Final = {"wallet", "wallet_migrations", "public"}
"""Nobody makes objects in them. Reading the record of migrations is for whoever migrates."""

STATEMENTS: Final = {
    "SELECT": "SELECT {column} FROM {table}",
    "INSERT": "INSERT INTO {table} ({column}) VALUES (DEFAULT)",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "LOCK": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "TRIGGER": "CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "INDEX": "CREATE INDEX ON {table} ({column})",
    "GUARDS": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER": "ALTER TABLE {table} DROP COLUMN {column} CASCADE",
    "DROP": "DROP TABLE {table} CASCADE",
}
"""What can be done to a table; those with a column are tried on each."""

GUARDED: Final = [
    *(
        (table, how)
        for table in ("transactions", "ledger_entries", "seals", "seal_blocks")
        for how in ("UPDATE", "DELETE", "TRUNCATE")
    ),
    *((table, how) for table in ("accounts", "api_keys", "asset_types") for how in ("DELETE", "TRUNCATE")),
    *(("idempotency_keys", how) for how in ("UPDATE", "TRUNCATE")),
]
"""What nobody may do, whatever their rights: the rows of these tables are kept for ever."""


def login_of(role: str) -> str:
    return f"tried_{role}"


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One database for the module, with a login for each role: what is refused leaves it as it was."""
    logins = [login_of(role) for role in (*ROLES, NOBODY)]
    with psycopg.connect(databases.url("postgres"), autocommit=True) as connection:
        for login in logins:
            connection.execute(f"CREATE ROLE {login} LOGIN".encode())
        with databases.fresh(SEEDED) as url:
            for role in ROLES:
                connection.execute(f"GRANT {role} TO {login_of(role)}".encode())
            yield url
        # Last: a session that ends may still own something in the database for a moment.
        for login in logins:
            connection.execute(f"DROP ROLE {login}".encode())


@pytest.fixture
def owner(seeded_url: str, connect: Connect) -> Connection:
    """The superuser's connection."""
    return connect(seeded_url)


def as_role(connect: Connect, url: str, role: str) -> Connection:
    """Log in as whoever has this role and no other."""
    connection = connect(url.replace("postgres@", f"{login_of(role)}@", 1))
    connection.execute("SET statement_timeout = '30s'")
    return connection


def allows(connection: Connection, statement: sql.Composed) -> bool:
    """Try a statement and undo it: whether it was refused for want of a right, or not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        return True  # The right was there; something else was wrong.
    return True


def rows(connection: Connection, query: str) -> list[tuple[str, ...]]:
    return connection.execute(query.encode()).fetchall()


def columns(owner: Connection) -> list[tuple[str, str]]:
    """Give every column of every table, view and whatever else has columns."""
    return [
        (table, column)
        for table, column in rows(
            owner,
            """
            SELECT c.relname::text, a.attname::text
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'wallet'::regnamespace AND c.relkind NOT IN ('i', 'I', 'S', 'c', 't')
                AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY 1, a.attnum
            """,
        )
    ]


def test_every_object_has_a_decision(owner: Connection) -> None:
    """The lists above are what is in the catalogue, no more and no less."""
    assert {table for table, _ in columns(owner)} == set(TABLES)
    of_schema = "= 'wallet'::regnamespace"
    assert {
        name
        for (name,) in rows(
            owner, f"SELECT relname::text FROM pg_class WHERE relkind = 'S' AND relnamespace {of_schema}"
        )
    } == SEQUENCES
    types = f"""
        SELECT t.typname::text FROM pg_type AS t LEFT JOIN pg_class AS c ON t.typrelid = c.oid
        WHERE t.typnamespace {of_schema} AND t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c'"""
    assert {name for (name,) in rows(owner, types)} == TYPES
    schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    assert {name for (name,) in rows(owner, schemas)} == SCHEMAS
    others = """
        SELECT 'operator ' || oprname FROM pg_operator WHERE oprnamespace {0}
        UNION ALL SELECT 'collation ' || collname FROM pg_collation WHERE collnamespace {0}
        UNION ALL SELECT 'dictionary ' || dictname FROM pg_ts_dict WHERE dictnamespace {0}
        UNION ALL SELECT 'foreign server ' || srvname FROM pg_foreign_server
        UNION ALL SELECT 'publication ' || pubname FROM pg_publication
        UNION ALL SELECT 'large object ' || oid FROM pg_largeobject_metadata"""
    assert rows(owner, others.format(of_schema)) == []


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_tables_by_trying_everything_on_every_column(
    role: str, seeded_url: str, owner: Connection, connect: Connect
) -> None:
    """What is not decided above is refused, and leaves every row as it was."""
    connection = as_role(connect, seeded_url, role)
    before = Ledger(owner).state()
    wrong = []
    for table, column in columns(owner):
        for how, text in STATEMENTS.items():
            allowed = how in TABLES[table].get(role, ()) and (how != "SELECT" or (table, column) not in SECRET_COLUMNS)
            statement = sql.SQL(text).format(table=sql.Identifier("wallet", table), column=sql.Identifier(column))
            if allows(connection, statement) != allowed:
                wrong.append((table, column, how))
    assert wrong == []
    assert Ledger(owner).state() == before


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_whole_rows_with_a_secret_column_are_refused(role: str, seeded_url: str, connect: Connect) -> None:
    """Not by a star, a whole-row reference, a copy, a count of what is equal, or the planner's statistics."""
    connection = as_role(connect, seeded_url, role)
    for table, column in SECRET_COLUMNS:
        name, secret = sql.Identifier("wallet", table), sql.Identifier(column)
        for text in (
            "SELECT * FROM {table}",
            "SELECT t FROM {table} AS t",
            "SELECT to_jsonb(t) FROM {table} AS t",
            "COPY {table} TO STDOUT",
            "SELECT count(*) FROM {table} WHERE {column} = ''",
            "SELECT 1 FROM {table} ORDER BY {column}",
        ):
            assert not allows(connection, sql.SQL(text).format(table=name, column=secret)), text
        statistics = "SELECT count(*) FROM pg_stats WHERE schemaname = 'wallet' AND tablename = %s AND attname = %s"
        assert connection.execute(statistics, [table, column]).fetchone() == (0,)


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_sequences_by_trying(role: str, seeded_url: str, connect: Connect) -> None:
    connection = as_role(connect, seeded_url, role)
    for sequence in SEQUENCES:
        for text in (
            "SELECT nextval({literal})",
            "SELECT setval({literal}, 1)",
            "SELECT currval({literal})",
            "SELECT last_value FROM {name}",
            "ALTER SEQUENCE {name} RESTART",
        ):
            statement = sql.SQL(text).format(
                literal=sql.Literal(f"wallet.{sequence}"), name=sql.Identifier("wallet", sequence)
            )
            assert not allows(connection, statement), (sequence, text)


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_types_by_trying(role: str, seeded_url: str, connect: Connect) -> None:
    """Usable, not changeable."""
    connection = as_role(connect, seeded_url, role)
    for name in TYPES:
        identifier = sql.Identifier("wallet", name)
        use = sql.SQL("CREATE TEMPORARY TABLE t (c {})").format(identifier)
        assert allows(connection, use) is (role != NOBODY), name
        assert not allows(connection, sql.SQL("DROP TYPE {} CASCADE").format(identifier)), name
        assert not allows(connection, sql.SQL("ALTER TYPE {} RENAME TO mine").format(identifier)), name


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_routines_by_calling_every_one(role: str, seeded_url: str, owner: Connection, connect: Connect) -> None:
    """Who may call one gets through to its end or to its own errors; who may not is stopped at the door."""
    connection = as_role(connect, seeded_url, role)
    wrong = []
    routines = rows(
        owner,
        """
        SELECT
            p.proname::text,
            p.prokind::text,
            coalesce(string_agg('NULL::' || format_type(a.type, NULL), ', ' ORDER BY a.place), '')
        FROM pg_proc AS p
        LEFT JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, place) ON TRUE
        WHERE p.pronamespace = 'wallet'::regnamespace
        GROUP BY p.oid
        ORDER BY 1
        """,
    )
    assert len(routines) > len(GRANTS)
    for name, kind, arguments in routines:
        statement = sql.SQL("{how} {name}({arguments})").format(
            how=sql.SQL("CALL" if kind == "p" else "SELECT"),
            name=sql.Identifier("wallet", name),
            arguments=sql.SQL(arguments),
        )
        if allows(connection, statement) != (role in GRANTS.get(name, ())):
            wrong.append(name)
        for change in ("DROP FUNCTION wallet.{} CASCADE", "ALTER FUNCTION wallet.{} SECURITY INVOKER"):
            assert not allows(connection, sql.SQL(change).format(sql.Identifier(name))), name
    assert wrong == []


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_schemas_and_the_server_by_trying(role: str, seeded_url: str, owner: Connection, connect: Connect) -> None:
    """No object of its own anywhere, nothing of the record of migrations, no way to another role or to the machine."""
    connection = as_role(connect, seeded_url, role)
    tries = [
        *(
            text.format(schema)
            for schema in SCHEMAS
            for text in (
                "CREATE TABLE {}.mine ()",
                "CREATE FUNCTION {}.mine() RETURNS integer LANGUAGE sql RETURN 1",
                "CREATE TYPE {}.mine AS (a integer)",
                "CREATE SEQUENCE {}.mine",
                "ALTER SCHEMA {} RENAME TO mine",
                "DROP SCHEMA {} CASCADE",
            )
        ),
        *(
            f"SELECT FROM wallet_migrations.{name}"
            for (name,) in rows(
                owner,
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'wallet_migrations'",
            )
        ),
        *(f"SET ROLE {other}" for other in (*ROLES, "wallet_owner", "postgres") if other != role),
        *(f"GRANT {other} TO {login_of(role)}" for other in (*ROLES, "wallet_owner")),
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "SET session_replication_role = replica",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner GRANT ALL ON TABLES TO PUBLIC",
    ]
    allowed = [text for text in tries if allows(connection, sql.SQL(text).format())]
    assert allowed == []


def test_nobody_sees_what_another_login_sends(seeded_url: str, connect: Connect) -> None:
    """Another session's statements, with the values in them, are hidden by the server."""
    posting = as_role(connect, seeded_url, SERVICE)
    posting.execute("SELECT 'a canary'")
    for role in (JOBS, AUDITOR, NOBODY):
        seen = (
            as_role(connect, seeded_url, role).execute("SELECT string_agg(query, ' ') FROM pg_stat_activity").fetchone()
        )
        assert seen is not None
        assert not re.search("a canary", seen[0])


def test_nobody_may_pass_a_right_on(owner: Connection) -> None:
    """No right on a table, a column, a sequence, a routine or the schema comes with the grant option."""
    grantable = """
        SELECT a.grantee::regrole::text
        FROM (
            SELECT relacl AS acl, relowner AS owner FROM pg_class WHERE relnamespace = 'wallet'::regnamespace
            UNION ALL SELECT attacl, 0 FROM pg_attribute WHERE attrelid IN (
                SELECT oid FROM pg_class WHERE relnamespace = 'wallet'::regnamespace
            )
            UNION ALL SELECT proacl, proowner FROM pg_proc WHERE pronamespace = 'wallet'::regnamespace
            UNION ALL SELECT nspacl, nspowner FROM pg_namespace WHERE nspname = 'wallet'
        ) AS o
        CROSS JOIN LATERAL aclexplode(o.acl) AS a
        WHERE a.is_grantable AND a.grantee <> o.owner"""
    assert rows(owner, grantable) == []


def test_no_row_can_be_in_the_gate(owner: Connection) -> None:
    """What wallet_service may update is empty for ever."""
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("INSERT INTO wallet.posting_gate VALUES (TRUE)")


@pytest.mark.parametrize("role", ["wallet_owner", "postgres"])
@pytest.mark.parametrize(("table", "how"), GUARDED)
def test_not_even_the_owner_changes_what_is_kept_for_ever(role: str, table: str, how: str, owner: Connection) -> None:
    """WL012, and the rows are as they were; tried on every column."""
    ledger = Ledger(owner)
    before = ledger.state()
    owner.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    for _, column in [one for one in columns(owner) if one[0] == table]:
        with pytest.raises(psycopg.DatabaseError) as raised:
            owner.execute(
                sql.SQL(STATEMENTS[how]).format(table=sql.Identifier("wallet", table), column=sql.Identifier(column))
            )
        assert raised.value.sqlstate == "WL012"
        assert raised.value.diag.message_hint == "Correct a posting with another posting."
    assert ledger.state() == before


def test_jobs_post_and_auditors_check(seeded_url: str, connect: Connect) -> None:
    """The functions do work for the roles they are granted to, without any right on a table."""
    owner = Ledger(connect(seeded_url))
    asset_type_id = owner.create_asset_type("GC")
    jobs = as_role(connect, seeded_url, JOBS)
    wallet = Ledger(jobs).create_wallet(asset_type_id)
    for function in ("top_up", "bonus", "spend"):
        jobs.execute(
            sql.SQL("SELECT wallet.{}(%s, %s, 2, %s)").format(sql.Identifier(function)),
            [wallet, asset_type_id, function],
        )
    assert owner.balance(wallet) == 2
    auditor = as_role(connect, seeded_url, AUDITOR)
    assert Ledger(auditor).problems() == {}
    assert auditor.execute("SELECT count(*) FROM wallet.trial_balance()").fetchone() == (3,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        Ledger(auditor).create_wallet(asset_type_id)


def test_a_temporary_table_of_the_caller_is_not_taken_for_ours(seeded_url: str, connect: Connect) -> None:
    """A caller's own objects in front of the search path change nothing inside the functions."""
    owner = Ledger(connect(seeded_url))
    jobs = as_role(connect, seeded_url, JOBS)
    jobs.execute("CREATE TEMPORARY TABLE accounts (id uuid)")
    jobs.execute("CREATE FUNCTION pg_temp.trim_scale(numeric) RETURNS numeric LANGUAGE sql RETURN 666")
    jobs.execute("SET search_path = pg_temp, wallet, pg_catalog")
    wallet = Ledger(jobs).create_wallet(owner.create_asset_type("GC"))
    row = jobs.execute("SELECT wallet.get_account(%s) ->> 'balance'", [wallet]).fetchone()
    assert row == ("0",)
