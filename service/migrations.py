"""Bringing a database to this package's release: yoyo's migrations, then always the routines, while others post."""

import contextlib
import glob
import logging
import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import BadMigration, MigrationConflict
from yoyo.migrations import Migration, PostApplyHookMigration, default_migration_table

from service import resources
from service.release import ReleaseState, migration_names, release_state

BOOKKEEPING_SCHEMA = "wallet_migrations"
"""Where yoyo keeps what was applied: the schema `wallet` is the ledger's and nothing else."""

LOCK_TIMEOUT_SECONDS = 0.5
"""How long one attempt waits for a lock: everybody who comes later waits behind it. Below PostgreSQL's deadlock_timeout
of a second, so that in a deadlock the migration gives way and not a posting."""

LOCK_ATTEMPTS_SECONDS = 60.0
"""For how long attempts are made when a lock does not come free."""

_ATTEMPT_PAUSE_SECONDS = (0.5, 1.5)
_ADVISORY_LOCK_PAUSE_SECONDS = 0.1

_ADVISORY_LOCK_KEY = 0x77616C6C6574  # "wallet" in ASCII

# yoyo logs what it also raises, with a traceback, and every statement it executes: `on_progress` says enough.
logging.getLogger("yoyo").addHandler(logging.NullHandler())
logging.getLogger("yoyo").propagate = False


class MigrationError(RuntimeError):
    """A database cannot be migrated. The message is one sentence."""


@dataclass(frozen=True)
class MigrationReport:
    """What `migrate` did."""

    applied: tuple[str, ...]
    """The names of the migrations that were pending, in the order they were applied."""
    functions_changed: bool
    """Whether a new release was recorded: other migrations or other routines than before."""


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's backend, connecting with any connection string of libpq's: several hosts, options, services."""

    create_lock_table_sql = PostgresqlPsycopgBackend.create_lock_table_sql.replace("TABLE", "TABLE IF NOT EXISTS", 1)

    def connect(self, dburi: DatabaseURI) -> psycopg.Connection[Any]:
        return psycopg.connect(dburi.database, client_encoding="UTF8", autocommit=True)

    def init_connection(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(BOOKKEEPING_SCHEMA)))
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'".encode())
        connection.execute("SET client_min_messages = warning")

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        # yoyo's own asks the name service for the full host name (which may take long) and fails for a user
        # without an account.
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": os.environ.get("USER") or str(os.getuid()),
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def migrate(url: str, on_progress: Callable[[str], None] = lambda sentence: None) -> MigrationReport:
    """Apply every pending migration, then all routines. Safe at any time and from several processes at once.

    All of it is one transaction: the database has the old release or the new one. Only a migration that is not
    transactional (`-- transactional: false`) is on its own, after those before it were committed. When a lock does not
    come free, the attempt is given up and made again later, so that nobody waits behind it for long.

    Raises:
        MigrationError: the database is newer than this package, or a migration file is wrong.
        psycopg.Error: the database is away, refuses a statement, or a lock did not come free. Nothing was changed,
            but for migrations that are not transactional and those before them.
    """
    with _advisory_lock(url, on_progress) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(BOOKKEEPING_SCHEMA)))
        newer = sorted(_applied(connection) - set(migration_names(resources.migrations_folder())))
        if newer:
            raise MigrationError(f"The database is newer than this release (it has {newer[-1]}): nothing was changed.")
        release_before = _newest_release(connection)
        applied_before = _applied(connection)
        _until_locks_are_free(lambda: _attempt(url, on_progress), on_progress)
        applied = sorted(_applied(connection) - applied_before)
        return MigrationReport(tuple(applied), _newest_release(connection) != release_before)


def pending(url: str) -> tuple[str, ...]:
    """Return the names of the migrations the database does not have yet, sorted. Changes nothing."""
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection:
        applied = _applied(connection)
    return tuple(name for name in migration_names(resources.migrations_folder()) if name not in applied)


def _until_locks_are_free(attempt: Callable[[], None], on_progress: Callable[[str], None]) -> None:
    deadline = time.monotonic() + LOCK_ATTEMPTS_SECONDS
    while True:
        try:
            return attempt()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise
        on_progress("Another transaction is in the way; trying again")
        time.sleep(random.uniform(*_ATTEMPT_PAUSE_SECONDS))


def _attempt(url: str, on_progress: Callable[[str], None]) -> None:
    backend = _Backend(DatabaseURI("postgresql+psycopg", None, None, None, None, url, {}), default_migration_table)
    with backend:
        backend.create_lock_table()
        # We hold the advisory lock, so a row is left over from a killed process.
        backend.break_lock()
        try:
            with backend.lock():
                _apply(backend, on_progress)
        except (BadMigration, MigrationConflict) as error:
            raise MigrationError(f"A migration file is wrong: {error}.") from error


def _apply(backend: _Backend, on_progress: Callable[[str], None]) -> None:
    migrations = read_migrations(glob.escape(str(resources.migrations_folder())))
    # Not `apply_migrations`: it skips files it cannot read, runs the hook only when something was pending, and notes
    # what it applied in another transaction, which a process that is killed may never reach.
    together: list[Migration] = []
    for migration in backend.to_apply(migrations):
        migration.load()
        if migration.use_transactions:
            together.append(migration)
            continue
        _apply_together(backend, together, on_progress)
        together = []
        _apply_alone(backend, migration, on_progress)
    _apply_together(backend, [*together, *migrations.post_apply], on_progress)


def _apply_together(backend: _Backend, migrations: Sequence[Migration], on_progress: Callable[[str], None]) -> None:
    """Apply migrations, and note them as applied, in one transaction."""
    if not migrations:
        return
    with backend.copy() as own, own.transaction():
        # The server may still be busy with the last words of a process that was killed; then what was pending is not.
        own.execute(f"LOCK TABLE {own.migration_table_quoted} IN SHARE ROW EXCLUSIVE MODE")
        _hold_postings_up(own)
        applied = _applied(own.connection)
        for migration in migrations:
            if migration.id not in applied:
                _run(own, migration, on_progress)
                # Back to the login's role and our search path, which a file may have left.
                own.execute("RESET ROLE")
                own.init_connection(own.connection)
                _note(own, migration)


def _apply_alone(backend: _Backend, migration: Migration, on_progress: Callable[[str], None]) -> None:
    """Apply a migration whose statements are each committed at once, then note it: it may be applied twice."""
    with backend.copy() as own:
        _run(own, migration, on_progress)
    with backend.transaction():
        _note(backend, migration)


def _run(backend: _Backend, migration: Migration, on_progress: Callable[[str], None]) -> None:
    is_hook = isinstance(migration, PostApplyHookMigration)
    on_progress("Applying the functions" if is_hook else f"Applying {migration.id}")
    try:
        migration.process_steps(backend, "apply")
    except psycopg.Error as error:
        if not is_hook:
            error.add_note(f"in {Path(migration.path).name}")
        raise


def _note(backend: _Backend, migration: Migration) -> None:
    backend.log_migration(migration, "apply")
    if not isinstance(migration, PostApplyHookMigration):
        backend.mark_one(migration, log=False)


def _hold_postings_up(backend: _Backend) -> None:
    """Let no posting begin until the end of the transaction, when anything will be different afterwards.

    A posting under way would go on in its old routine and call new ones. And it has locks on the tables that a
    migration may want, so the gate comes first for the migration too.
    """
    if release_state(backend.connection) is ReleaseState.CURRENT:
        return
    if backend.execute("SELECT to_regclass('wallet.posting_gate')").fetchone()[0] is not None:
        backend.execute("SET LOCAL ROLE wallet_owner")
        backend.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
        backend.execute("RESET ROLE")


@contextlib.contextmanager
def _advisory_lock(url: str, on_progress: Callable[[str], None]) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock of all migrating processes, on a connection of its own: it ends with it."""
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        if not _locked(connection):
            on_progress("Waiting for another process that migrates this database")
            # Asked again and again: a statement that waits has a snapshot, and CREATE INDEX CONCURRENTLY waits for it.
            while not _locked(connection):
                time.sleep(_ADVISORY_LOCK_PAUSE_SECONDS)
        yield connection


def _locked(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK_KEY]).fetchone()
    return row is not None and bool(row[0])


def _applied(connection: psycopg.Connection[Any]) -> set[str]:
    table = sql.Identifier(BOOKKEEPING_SCHEMA, default_migration_table)
    try:
        rows = connection.execute(sql.SQL("SELECT migration_id FROM {}").format(table)).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()
    return {name for (name,) in rows}


def _newest_release(connection: psycopg.Connection[Any]) -> int | None:
    try:
        row = connection.execute("SELECT max(release) FROM wallet.releases").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row else None
