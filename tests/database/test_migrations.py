"""`wallet migrate`: at any time, from several processes at once, all or nothing, without a superuser."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from service import migrations, resources
from service.migrations import BOOKKEEPING_SCHEMA, MigrationError, migrate, pending
from service.release import ReleaseState, migration_names, release_state
from tests.conftest import Connect
from tests.support.ledger import Ledger
from tests.support.process import run_wallet, wallet_environment
from tests.support.server import Server

DATABASE = "migrated_here"
ROLES = ("wallet_auditor", "wallet_jobs", "wallet_service", "wallet_owner")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that has never had the wallet's roles."""
    started = Server()
    yield started
    started.stop()


@pytest.fixture
def empty_url(own_server: Server) -> Iterator[str]:
    """An empty database on it, for the superuser; the roles go with it."""
    with psycopg.connect(own_server.database_url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        yield own_server.database_url(DATABASE)
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)".encode())
        for role in (*ROLES, "deployer"):
            connection.execute(f"DROP ROLE IF EXISTS {role}".encode())


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder db that `migrate` reads instead."""
    copy = tmp_path / "db"
    shutil.copytree(resources.migrations_folder().parent, copy)
    monkeypatch.setattr(resources, "migrations_folder", lambda: copy / "migrations")
    monkeypatch.setattr(resources, "functions_folder", lambda: copy / "functions")
    return copy


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def names() -> tuple[str, ...]:
    return migration_names(resources.migrations_folder())


def comment(url: str, function: str) -> object:
    return one(url, f"SELECT obj_description(oid, 'pg_proc') FROM pg_proc WHERE proname = '{function}'")


def test_a_new_database_gets_everything(empty_url: str) -> None:
    """All migrations in order, all functions, one release that is this one."""
    assert pending(empty_url) == names()
    said: list[str] = []
    report = migrate(empty_url, said.append)
    assert (report.applied, report.functions_changed) == (names(), True)
    assert said == [*(f"Applying {name}" for name in names()), "Applying the functions"]
    assert pending(empty_url) == ()
    with psycopg.connect(empty_url) as connection:
        assert release_state(connection) is ReleaseState.CURRENT


def test_again_changes_nothing(empty_url: str) -> None:
    """No release is recorded, and the second run says so."""
    migrate(empty_url)
    report = migrate(empty_url)
    assert (report.applied, report.functions_changed) == ((), False)
    assert one(empty_url, "SELECT count(*) FROM wallet.releases") == 1


def test_again_under_load_of_data(empty_url: str, connect: Connect) -> None:
    """A ledger with rows is as it was."""
    migrate(empty_url)
    ledger = Ledger(connect(empty_url))
    ledger.top_up(ledger.create_wallet(ledger.create_asset_type()), 5)
    before = ledger.state()
    migrate(empty_url)
    assert ledger.state() == before
    assert ledger.problems() == {}


def test_many_processes_at_once(empty_url: str, tmp_path: Path) -> None:
    """Eight `wallet migrate` on an empty database: all succeed, everything is applied once."""
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url), range(8)))
    assert [(process.returncode, process.stderr) for process in done if process.returncode] == []
    table = f"{BOOKKEEPING_SCHEMA}._yoyo_migration"
    assert one(empty_url, f"SELECT array_agg(migration_id ORDER BY migration_id) FROM {table}") == list(names())
    log = (
        f"SELECT count(*) FROM {BOOKKEEPING_SCHEMA}._yoyo_log"
        " WHERE operation = 'apply' AND migration_id NOT LIKE 'post-apply%'"
    )
    assert one(empty_url, log) == len(names())
    assert one(empty_url, "SELECT count(*) FROM wallet.releases") == 1


def test_who_comes_second_waits(empty_url: str) -> None:
    """While another session migrates, migrate says that it waits, then goes on."""
    waiting = threading.Event()

    def hear(sentence: str) -> None:
        if sentence.startswith("Waiting for another process"):
            waiting.set()

    with ThreadPoolExecutor(1) as threads, psycopg.connect(empty_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrations._ADVISORY_LOCK_KEY])
        done = threads.submit(migrate, empty_url, hear)
        assert waiting.wait(30)
        assert not done.done()
        other.execute("SELECT pg_advisory_unlock_all()")
        assert done.result(30).applied == names()


def test_the_lock_of_a_killed_process_is_broken(empty_url: str) -> None:
    """yoyo's own lock, a row, does not hold anybody up: the advisory lock is the one that counts."""
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            f"INSERT INTO {BOOKKEEPING_SCHEMA}.yoyo_lock (locked, ctime, pid) VALUES (1, %s, 4711)".encode(),
            [datetime.now(UTC)],
        )
    migrate(empty_url)
    assert one(empty_url, f"SELECT count(*) FROM {BOOKKEEPING_SCHEMA}.yoyo_lock") == 0


def test_an_edited_function_alone_is_applied(empty_url: str, sources: Path) -> None:
    """No migration is pending, and the new text is there all the same, recorded as a release."""
    migrate(empty_url)
    edit(sources / "functions" / "get_balance.sql", "The balance of an account.", "What an account holds.")
    with psycopg.connect(empty_url) as connection:
        assert release_state(connection) is ReleaseState.FUNCTIONS_DIFFER
    report = migrate(empty_url)
    assert (report.applied, report.functions_changed) == ((), True)
    assert str(comment(empty_url, "get_balance")).startswith("What an account holds.")
    assert one(empty_url, "SELECT count(*) FROM wallet.releases") == 2


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


BROKEN = {
    "a statement that is none": "CREATE OR REPLACE NONSENSE;",
    "a syntax error in a body": """
        CREATE FUNCTION wallet.zzz() RETURNS void LANGUAGE plpgsql AS 'BEGIN IF; END'""",
    "a body that names no table": """
        CREATE FUNCTION wallet.zzz() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM wallet.nothing'""",
    "a shadowed variable": """
        CREATE FUNCTION wallet.zzz(p_a integer) RETURNS void LANGUAGE plpgsql AS 'DECLARE p_a integer; BEGIN END'""",
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_broken_file_leaves_all_functions_as_they_were(empty_url: str, sources: Path, what: str) -> None:
    """All or nothing: the files before the broken one are not applied either. The error names the place."""
    migrate(empty_url)
    before = comment(empty_url, "get_balance")
    edit(sources / "functions" / "get_balance.sql", "The balance of an account.", "What an account holds.")
    (sources / "functions" / "zzz.sql").write_text(BROKEN[what])
    with pytest.raises(psycopg.Error) as raised:
        migrate(empty_url)
    assert "zzz" in " ".join(raised.value.__notes__)
    assert comment(empty_url, "get_balance") == before
    assert one(empty_url, "SELECT count(*) FROM wallet.releases") == 1
    (sources / "functions" / "zzz.sql").unlink()
    assert migrate(empty_url).functions_changed


def test_a_broken_migration_leaves_nothing_of_itself(empty_url: str, sources: Path) -> None:
    """A file whose second statement fails is undone whole, and those before it with it; corrected, all are applied."""
    path = sources / "migrations" / "9999-broken.sql"
    good = "SET LOCAL ROLE wallet_owner;\nCREATE TABLE wallet.half (id bigint);\n"
    path.write_text(f"{good}CREATE TABLE wallet.half (id bigint);\n")
    with pytest.raises(psycopg.errors.DuplicateTable) as raised:
        migrate(empty_url)
    assert raised.value.__notes__ == ["in 9999-broken.sql"]
    assert one(empty_url, "SELECT to_regclass('wallet.half')") is None
    assert pending(empty_url) == names()
    assert one(empty_url, "SELECT to_regnamespace('wallet')") is None
    path.write_text(good)
    assert migrate(empty_url).applied == names()


def test_a_broken_function_takes_the_pending_migrations_with_it(empty_url: str, sources: Path) -> None:
    """The service is never left with a new schema and old functions."""
    migrate(empty_url)
    (sources / "migrations" / "9999-drop.sql").write_text(
        "SET LOCAL ROLE wallet_owner; DROP FUNCTION wallet.get_balance(uuid);"
    )
    (sources / "functions" / "zzz.sql").write_text(BROKEN["a syntax error in a body"])
    with pytest.raises(psycopg.errors.SyntaxError):
        migrate(empty_url)
    assert pending(empty_url) == ("9999-drop",)
    assert comment(empty_url, "get_balance") is not None


def test_a_lock_that_does_not_come_free(
    empty_url: str, sources: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again for a while, then given up, and nothing is changed; the next run is a good one."""
    migrate(empty_url)
    (sources / "migrations" / "9999-column.sql").write_text(
        "SET LOCAL ROLE wallet_owner; ALTER TABLE wallet.accounts ADD COLUMN shade text;"
    )
    monkeypatch.setattr(migrations, "LOCK_ATTEMPTS_SECONDS", 1.0)
    said: list[str] = []
    reader = connect(empty_url)
    with reader.transaction():
        reader.execute("LOCK TABLE wallet.accounts IN ACCESS SHARE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
            migrate(empty_url, said.append)
    assert raised.value.__notes__ == ["in 9999-column.sql"]
    assert "Another transaction is in the way; trying again" in said
    assert pending(empty_url) == ("9999-column",)
    assert migrate(empty_url).applied == ("9999-column",)


def test_an_older_release_refuses_a_newer_database(empty_url: str, sources: Path) -> None:
    """Nothing is changed, least of all the functions put back."""
    (sources / "migrations" / "9999-newer.sql").write_text("SELECT 1;")
    migrate(empty_url)
    (sources / "migrations" / "9999-newer.sql").unlink()
    with psycopg.connect(empty_url) as connection:
        assert release_state(connection) is ReleaseState.AHEAD
    edit(sources / "functions" / "get_balance.sql", "The balance of an account.", "What an account holds.")
    before = comment(empty_url, "get_balance")
    with pytest.raises(MigrationError, match="newer than this release"):
        migrate(empty_url)
    assert comment(empty_url, "get_balance") == before


def test_rolling_everything_back_leaves_nothing(empty_url: str, tmp_path: Path) -> None:
    """No schema, no role, no default right: only yoyo's bookkeeping. Then all of it can be applied again."""
    migrate(empty_url)
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from yoyo.scripts.main import main; main()", "rollback", "--all", "--batch"),
            "--no-config-file",
            "--database",
            f"{empty_url.replace('postgresql:', 'postgresql+psycopg:')}?schema={BOOKKEEPING_SCHEMA}",
            str(resources.migrations_folder()),
        ],
        cwd=tmp_path,
        env=wallet_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    schemas = "SELECT array_agg(nspname::text ORDER BY 1) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema'"
    assert one(empty_url, schemas) == ["public", BOOKKEEPING_SCHEMA]
    assert one(empty_url, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'wallet%'") == 0
    assert one(empty_url, "SELECT count(*) FROM pg_default_acl") == 0
    assert pending(empty_url) == names()
    assert migrate(empty_url).applied == names()


def test_no_superuser_is_needed(empty_url: str, own_server: Server, connect: Connect) -> None:
    """A role with CREATEROLE, and CREATE on the database: it migrates, seeds, and lends the service its role."""
    superuser = connect(empty_url)
    superuser.execute("CREATE ROLE deployer LOGIN CREATEROLE")
    superuser.execute(f"GRANT CREATE ON DATABASE {DATABASE} TO deployer".encode())
    url = own_server.database_url(DATABASE, user="deployer")
    assert migrate(url).applied == names()
    assert not migrate(url).functions_changed
    with psycopg.connect(url) as connection:
        connection.execute(resources.seed_file().read_bytes())
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE wallet_service")
        assert Ledger(connection).problems() == {}
        assert connection.execute("SELECT json_array_length(wallet.list_asset_types())").fetchone() == (3,)
    owners = (
        "SELECT array_agg(DISTINCT relowner::regrole::text) FROM pg_class WHERE relnamespace = 'wallet'::regnamespace"
    )
    assert one(empty_url, owners) == ["wallet_owner"]
    superuser.execute("DROP SCHEMA wallet, wallet_migrations CASCADE")
    superuser.execute("DROP OWNED BY deployer, wallet_owner, wallet_service, wallet_jobs, wallet_auditor")


def test_the_names_of_applied_migrations_are_kept_sorted(empty_url: str) -> None:
    """What the service compares is what the database says."""
    migrate(empty_url)
    assert one(empty_url, "SELECT migrations FROM wallet.current_release()") == list(names())
