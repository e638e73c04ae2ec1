"""The doctor: silent on a whole ledger, and every check speaks when just its invariant is broken."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.corruptions import CORRUPTIONS
from tests.database.operation_corruptions import OPERATION_CORRUPTIONS
from tests.support.database import SEEDED, Connection, Databases
from tests.support.guards import unguarded
from tests.support.ledger import Ledger
from tests.support.session import Session, result_of

EVERY_CORRUPTION = [
    pytest.param(check, number, id=f"{check}-{number}")
    for check, found in CORRUPTIONS.items()
    for number in range(len(found))
]


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One sealed database for the module: what is broken is rolled back. Its clean point is before all postings."""
    with databases.fresh(SEEDED) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT wallet.seal_range('2026-01-01', 12)")
            connection.execute("SELECT wallet.seal_range('2026-01-02', 15)")
            connection.execute("SELECT wallet.record_clean_run(0)")
        yield url


@pytest.fixture
def connection(seeded_url: str) -> Iterator[Connection]:
    """A transaction that is rolled back at the end."""
    with closing(psycopg.connect(seeded_url)) as connection:
        yield connection
        connection.rollback()


def names(connection: Connection) -> dict[str, str]:
    """Give the ids the statements name, as literals."""
    rows = connection.execute("SELECT external_id, id FROM wallet.accounts").fetchall()
    ids: dict[str, UUID] = dict(rows)
    one = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'DM'").fetchone()
    two = connection.execute("SELECT id FROM wallet.transactions WHERE wallet.transaction_number(id) = 11").fetchone()
    assert one is not None
    assert two is not None
    found = {
        "alice": ids["USER_ALICE_GC"],
        "bob": ids["USER_BOB_GC"],
        "treasury": ids["SYSTEM_TREASURY_GC"],
        "revenue": ids["SYSTEM_REVENUE_GC"],
        "diamonds": one[0],
        "second": two[0],
    }
    return {name: f"'{value}'" for name, value in found.items()}


def corrupt(connection: Connection, check: str, number: int) -> set[str]:
    """Break what the corruption breaks, past the guards; give the checks that are to fire."""
    statement, implied = CORRUPTIONS[check][number]
    # What is done to the guards themselves stays done.
    with nullcontext() if check == "check_guards" else unguarded(connection):
        assert connection.execute(statement.format(**names(connection)).encode()).rowcount != 0
    return {check, *implied}


def quick_problems(connection: Connection) -> dict[str, int]:
    """Run the checks of a quick run since the clean point; give those that found something."""
    rows = connection.execute(
        "SELECT c.check_name, r.problems FROM wallet.clean_point() AS p, wallet.doctor_checks() AS c,"
        " wallet.run_check(c.check_name, p.since_id) AS r WHERE c.scope <> 'whole' AND r.problems > 0"
    ).fetchall()
    return dict(rows)


def scopes(connection: Connection) -> dict[str, str]:
    """Give each check's scope."""
    return dict(connection.execute("SELECT check_name, scope FROM wallet.doctor_checks()").fetchall())


def test_every_check_has_a_corruption(connection: Connection) -> None:
    """A check that no test has seen speak proves nothing."""
    rows = connection.execute("SELECT check_name FROM wallet.doctor_checks()").fetchall()
    assert sorted(row[0] for row in rows) == sorted(CORRUPTIONS | OPERATION_CORRUPTIONS)


def test_every_check_function_is_run(connection: Connection) -> None:
    """The functions check_… that need no argument are those the doctor runs; scope tells which take one."""
    rows = connection.execute(
        "SELECT proname::text, pronargs FROM pg_proc"
        " WHERE pronamespace = 'wallet'::regnamespace AND proname LIKE 'check\\_%' AND pronargs = pronargdefaults"
    ).fetchall()
    assert {name: count == 1 for name, count in rows} == {
        name: scope == "since" for name, scope in scopes(connection).items()
    }
    assert set(scopes(connection).values()) == {"since", "whole", "schema"}


ONLY_FULL = {
    **{("check_idempotency_keys", number): {"check_idempotency_keys"} for number in (1, *range(4, 10))},
    ("check_assets", 1): {"check_idempotency_keys"},
    ("check_orphans", 0): {"check_idempotency_keys"},
    ("check_orphans", 1): {"check_idempotency_keys"},
    ("check_counts", 4): {"check_idempotency_keys"},
    ("check_account_assets", 2): {"check_idempotency_keys"},
    # Accounts without an entry since.
    ("check_balances", 3): {"check_balances"},
    ("check_versions", 2): {"check_versions", "check_balances"},
    ("check_transactions", 0): {"check_versions", "check_balances"},
    # Ids below that of the first number since.
    ("check_transaction_ids", 0): {"check_transaction_ids"},
    ("check_transaction_ids", 3): {"check_transaction_ids"},
}
"""What a quick run does not find although it is new: keys whose transaction is gone, and what has no new row left."""


def test_nothing_is_found_before_anything_is_broken(connection: Connection) -> None:
    """Neither by a full run nor by a quick one, for which everything is new, nor by one for which nothing is."""
    assert Ledger(connection).problems() == {}
    assert quick_problems(connection) == {}
    connection.execute("SELECT wallet.record_clean_run(15)")
    assert quick_problems(connection) == {}


@pytest.mark.parametrize(("check", "number"), EVERY_CORRUPTION)
def test_a_check_finds_its_corruption_and_no_other_check_fires(connection: Connection, check: str, number: int) -> None:
    """The check counts the problem and shows one. What else must fire is on the list.

    A quick run finds in what is new what a full run finds, but for the checks that always read all; and in what is
    old nothing, but for the checks of the schema.
    """
    expected = corrupt(connection, check, number)
    rows = connection.execute(
        "SELECT check_name, severity, meaning, remedy, example FROM wallet.doctor() WHERE problems > 0"
    ).fetchall()
    assert {name for name, *_ in rows} == expected
    for _, severity, meaning, remedy, example in rows:
        assert severity in {"critical", "warning"}
        assert meaning
        assert remedy
        assert isinstance(example, dict)
    whole, schema = (
        {name for name, scope in scopes(connection).items() if scope == one} for one in ("whole", "schema")
    )
    # The clean point is before the first posting.
    assert set(quick_problems(connection)) == expected - ONLY_FULL.get((check, number), set()) - whole
    connection.execute("SELECT wallet.record_clean_run(15)")
    # This one's id is of a number since, so it looks as if it were posted now.
    late = {"check_balances", "check_versions", *expected} if (check, number) == ("check_transaction_ids", 4) else set()
    assert set(quick_problems(connection)) == (expected & schema) | late


def test_a_quick_run_goes_on_from_the_clean_point(databases: Databases, connect: Connect) -> None:
    """New entries are held to the old ones before them: a new chain that starts from a wrong balance is found."""
    with databases.fresh(SEEDED) as url:
        connection = connect(url)
        ledger = Ledger(connection)
        bob = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_GC'").fetchone()
        assert bob is not None
        connection.execute("SELECT wallet.record_clean_run(wallet.settled_number())")
        ledger.top_up(bob[0], 5)
        ledger.spend(bob[0], 3)
        assert quick_problems(connection) == {}
        with unguarded(connection):
            connection.execute(
                "UPDATE wallet.ledger_entries SET balance_after = balance_after + 1"
                " WHERE account_id = %s AND version = 1",
                bob,
            )
        assert set(quick_problems(connection)) == {"check_entry_chains", "check_balances"}
        with unguarded(connection):
            connection.execute("DELETE FROM wallet.ledger_entries WHERE account_id = %s AND version = 1", bob)
        assert set(quick_problems(connection)) == {"check_entry_chains", "check_balances", "check_versions"}


def test_the_settled_number_waits_for_postings_in_flight_and_holds_nobody_up(database_url: str) -> None:
    """A posting that is open has a number below; those that begin later are not waited for, and do not wait."""
    with Session(database_url) as early, Session(database_url) as late, Session(database_url) as doctor:
        wallet = early.ledger.create_wallet(early.ledger.create_asset_type())
        other = early.ledger.create_wallet(early.ledger.create_asset_type("LP"))
        early.begin("READ COMMITTED")
        early.ledger.top_up(wallet, 1)
        doctor.connection.execute("SET lock_timeout = '2s'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            doctor.connection.execute("SELECT wallet.settled_number(0.05)")
        settled = doctor.start(lambda ledger: ledger.connection.execute("SELECT wallet.settled_number(30)").fetchone())
        late.connection.execute("SET lock_timeout = '2s'")
        late.ledger.top_up(other, 1)
        late.begin("READ COMMITTED")
        late.ledger.top_up(other, 1)
        assert not settled.done()
        early.commit()
        number = result_of(settled)
        late.rollback()
        assert number is not None
        assert number[0] >= 1
        row = late.connection.execute(
            "SELECT count(*) FROM wallet.transactions WHERE wallet.transaction_number(id) <= %s", number
        ).fetchone()
        assert row is not None
        assert row[0] >= 1


def test_the_settled_number_of_an_empty_ledger_is_zero(connect: Connect, database_url: str) -> None:
    """No number was drawn; afterwards it is the last one, also of a posting that was rolled back."""
    connection = connect(database_url)
    assert connection.execute("SELECT wallet.settled_number()").fetchone() == (0,)
    ledger = Ledger(connection)
    wallet = ledger.create_wallet(ledger.create_asset_type())
    ledger.top_up(wallet, 1)
    with pytest.raises(psycopg.DatabaseError):
        ledger.spend(wallet, 2)
    assert connection.execute("SELECT wallet.settled_number()").fetchone() == (4,)


def test_a_clean_point_that_was_never_reached_is_not_noted(connect: Connect, database_url: str) -> None:
    """A number that is not drawn yet would make quick runs blind."""
    connection = connect(database_url)
    connection.execute("SELECT wallet.record_clean_run(1000)")
    assert connection.execute("SELECT number FROM wallet.clean_point()").fetchone() == (None,)


def test_a_quick_run_costs_what_is_new(databases: Databases, connect: Connect) -> None:
    """Ten times the old postings, the same new ones: a full run reads far more pages, a quick run hardly any more."""
    with databases.fresh(SEEDED) as url:
        connection = connect(url)
        pages = {}
        for old in (2_000, 18_000):
            fill(connection, old)
            connection.execute("VACUUM ANALYZE")
            connection.execute("SELECT wallet.record_clean_run(wallet.settled_number())")
            fill(connection, 100)
            pages[old] = {kind: pages_read(connection, kind) for kind in ("quick", "full")}
        assert pages[18_000]["full"] > 5 * pages[2_000]["full"]
        assert pages[18_000]["quick"] < 1.3 * pages[2_000]["quick"]


def fill(connection: Connection, count: int) -> None:
    """Post to a new wallet per batch, in batches of 100."""
    row = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'GC'").fetchone()
    assert row is not None
    ledger = Ledger(connection)
    for _ in range(count // 100):
        wallet = ledger.create_wallet(row[0])
        connection.execute(
            "SELECT count(*) FROM wallet.post(ARRAY(SELECT ROW('TOP_UP', %s || ':' || i, %s, %s, 1, NULL, NULL, NULL)"
            "::wallet.posting_request FROM generate_series(1, 100) AS i))",
            [str(wallet), wallet, row[0]],
        )


def pages_read(connection: Connection, kind: str) -> int:
    """Give the pages that the checks of scope since touch."""
    since = "p.since_id" if kind == "quick" else "'00000000-0000-0000-0000-000000000000'"
    row = connection.execute(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT r.problems FROM wallet.clean_point() AS p,"
        f" wallet.doctor_checks() AS c, wallet.run_check(c.check_name, {since}) AS r WHERE c.scope = 'since'".encode()
    ).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_an_index_of_ones_own_is_no_problem(connection: Connection) -> None:
    """Somebody needs a report to be quick."""
    connection.execute("CREATE INDEX mine ON wallet.transactions (created_at)")
    assert Ledger(connection).problems() == {}


def test_a_used_ledger_is_clean(databases: Databases, connect: Connect) -> None:
    """After postings, refusals and replays of every kind, in assets of 0 and 4 decimals."""
    with databases.fresh(SEEDED) as url:
        ledger = Ledger(connect(url))
        wallet = ledger.create_wallet(ledger.create_asset_type("WHOLE", 0))
        ledger.top_up(wallet, 10, key="k")
        ledger.top_up(wallet, 10, key="k")
        ledger.bonus(wallet, 1)
        ledger.spend(wallet, 11)
        with pytest.raises(psycopg.DatabaseError):
            ledger.spend(wallet, 1)
        ledger.create_account("N", ledger.asset_of(wallet), "ext", key="account")
        ledger.connection.execute("SELECT wallet.set_stripes('WHOLE', 3)")
        assert ledger.problems() == {}
        trial = ledger.connection.execute(
            "SELECT debits, credits, treasury_balance, revenue_balance, wallet_balance, balance_sum"
            " FROM wallet.trial_balance() WHERE symbol = 'WHOLE'"
        ).fetchone()
        assert trial == (22, 22, -11, 11, 0, 0)


def test_the_checks_are_silent_on_an_empty_ledger(database_url: str, connect: Connect) -> None:
    """Nothing to find where nothing is."""
    ledger = Ledger(connect(database_url))
    assert ledger.problems() == {}
    rows = ledger.connection.execute("SELECT check_name, problems, example FROM wallet.doctor()").fetchall()
    assert sorted(rows) == sorted((check, 0, None) for check in CORRUPTIONS | OPERATION_CORRUPTIONS)


def test_only_a_check_can_be_run_as_the_owner(database_url: str, connect: Connect) -> None:
    """The name is looked up on the list, so no other function is called with the owner's rights."""
    connection = connect(database_url, role="wallet_auditor")
    for name in ("doctor", "check_nothing", "check_assets() --"):
        with pytest.raises(psycopg.errors.UndefinedFunction):
            connection.execute("SELECT * FROM wallet.run_check(%s)", [name])


def test_the_guards_hold_in_a_session_that_replicates(connection: Connection) -> None:
    """A setting switches usual triggers off, for a session, a login or a database."""
    guards = connection.execute(
        "SELECT tgrelid::regclass::text, tgtype::integer & 16 FROM pg_trigger"
        " WHERE tgfoid = 'wallet.refuse_change'::regproc"
    ).fetchall()
    assert len(guards) == 13
    connection.execute("SET LOCAL session_replication_role = replica")
    for table, keeps_values in guards:
        statements = [f"TRUNCATE {table} CASCADE"]
        if table != "wallet.idempotency_keys":
            statements.append(f"DELETE FROM {table}")
        if keeps_values:
            columns = connection.execute(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table]
            ).fetchone()
            assert columns is not None
            statements.append(f"UPDATE {table} SET {columns[0]} = {columns[0]}")
        for statement in statements:
            with pytest.raises(psycopg.DatabaseError) as refused, connection.transaction():
                connection.execute(statement.encode())
            assert refused.value.sqlstate == "WL012", statement


def test_a_check_made_again_from_its_own_text_is_no_difference(connection: Connection) -> None:
    """As a dump that is restored makes it: PostgreSQL then has fewer parentheses around ANDs."""
    texts = (
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %3$s', conrelid::regclass, conname,"
        " pg_get_constraintdef(oid)) FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = 'wallet'::regnamespace ORDER BY 1"
    )
    before = connection.execute(texts.encode()).fetchall()
    for (statement,) in before:
        connection.execute(statement.encode())
    assert connection.execute(texts.encode()).fetchall() != before
    assert Ledger(connection).problems() == {}


def test_a_day_of_a_seal_is_neither_yet_to_come_nor_before_the_newest(connection: Connection) -> None:
    """Or a seal could be dated as one likes. Two seals of one day are as many as a day may need."""
    Ledger(connection).top_up(UUID(names(connection)["bob"].strip("'")), 1)
    for day in ("'2026-01-01'", "(clock_timestamp() AT TIME ZONE 'UTC')::date + 1"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"^Day "), connection.transaction():
            connection.execute(f"SELECT wallet.seal_range({day}, 16)".encode())
    row = connection.execute("SELECT seal, day::text FROM wallet.seal_range('2026-01-02', 16)").fetchone()
    assert row == (3, "2026-01-02")


def test_what_a_key_was_granted_stays(connection: Connection) -> None:
    """Its end may be moved, and its first revocation is for good; all else would change who did what."""
    row = connection.execute("SELECT wallet.create_api_key('n', sha256(''), ARRAY['read'])").fetchone()
    assert row is not None
    changes = {
        "id": "'0123456789ab'",
        "name": "'other'",
        "secret_sha256": "sha256('x')",
        "scopes": "ARRAY['admin']",
        "asset_type_ids": "ARRAY[gen_random_uuid()]",
        "created_at": "created_at - interval '1 day'",
        "created_by": "'other'",
    }
    columns = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'wallet.api_keys'::regclass AND attnum > 0"
    ).fetchall()
    assert {name for (name,) in columns} == changes.keys() | {"expires_at", "revoked_at"}

    def change(column: str, value: str) -> None:
        with connection.transaction():
            connection.execute(f"UPDATE wallet.api_keys SET {column} = {value}".encode())

    for role in ("origin", "replica"):
        connection.execute(f"SET LOCAL session_replication_role = {role}".encode())
        for column, value in changes.items():
            with pytest.raises(psycopg.DatabaseError) as refused:
                change(column, value)
            assert refused.value.sqlstate == "WL012", column
    change("expires_at", "now()")
    change("expires_at", "NULL")
    change("revoked_at", "now()")
    connection.execute("SELECT wallet.revoke_api_key(%s)", row)
    for value in ("NULL", "now() + interval '1 hour'"):
        with pytest.raises(psycopg.DatabaseError):
            change("revoked_at", value)


def test_what_a_clock_put_on_a_sealed_day_goes_with_the_newest(connection: Connection) -> None:
    """The plan names no day before the newest seal's: it would be refused, and nothing more be sealed."""
    Ledger(connection).top_up(UUID(names(connection)["bob"].strip("'")), 1)
    with unguarded(connection):
        number = connection.execute(
            "UPDATE wallet.transactions SET created_at = '2025-12-31' WHERE wallet.transaction_number(id) > 15"
            " RETURNING wallet.transaction_number(id)"
        ).fetchone()
    assert number is not None
    plan = connection.execute("SELECT day::text, number_to FROM wallet.seal_plan(%s)", number).fetchall()
    assert plan == [("2026-01-02", number[0])]
