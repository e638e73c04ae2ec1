"""Bringing a database to this package's release: yoyo's migrations, then always the routines."""

import contextlib
import glob
import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterator
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
from yoyo.migrations import default_migration_table

from service import resources
from service.release import migration_names

BOOKKEEPING_SCHEMA = "wallet_migrations"
"""Where yoyo keeps what was applied: the schema `wallet` is the ledger's and nothing else."""

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
        return psycopg.connect(dburi.database, autocommit=True)

    def init_connection(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(BOOKKEEPING_SCHEMA)))
        # A migration that waits for a lock makes everybody else wait behind it.
        connection.execute("SET lock_timeout = '5s'")
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

    Raises:
        MigrationError: the database is newer than this package, or a migration file is wrong.
        psycopg.Error: the database is away or refuses a statement; what was applied before stays, each file
        whole or
            not at all.
    """
    with _advisory_lock(url, on_progress) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(BOOKKEEPING_SCHEMA)))
        newer = sorted(_applied(connection) - set(migration_names(resources.migrations_folder())))
        if newer:
            raise MigrationError(f"The database is newer than this release (it has {newer[-1]}): nothing was changed.")
        release_before = _newest_release(connection)
        backend = _Backend(DatabaseURI("postgresql+psycopg", None, None, None, None, url, {}), default_migration_table)
        with backend:
            backend.create_lock_table()
            # We hold the advisory lock, so a row is left over from a killed process.
            backend.break_lock()
            try:
                with backend.lock():
                    applied = _apply(backend, on_progress)
            except (BadMigration, MigrationConflict) as error:
                raise MigrationError(f"A migration file is wrong: {error}.") from error
        return MigrationReport(applied, _newest_release(connection) != release_before)


def pending(url: str) -> tuple[str, ...]:
    """Return the names of the migrations the database does not have yet, sorted. Changes nothing."""
    with psycopg.connect(url, autocommit=True) as connection:
        applied = _applied(connection)
    return tuple(name for name in migration_names(resources.migrations_folder()) if name not in applied)


def _apply(backend: _Backend, on_progress: Callable[[str], None]) -> tuple[str, ...]:
    migrations = read_migrations(glob.escape(str(resources.migrations_folder())))
    applied = []
    # Not `apply_migrations`: it skips files it cannot read, and runs the hook only when something was
    # pending.
    for migration in backend.to_apply(migrations):
        on_progress(f"Applying {migration.id}")
        try:
            backend.apply_one(migration)
        except psycopg.Error as error:
            error.add_note(f"in {Path(migration.path).name}")
            raise
        applied.append(migration.id)
    on_progress("Applying the functions")
    backend.run_post_apply(migrations)
    return tuple(applied)


@contextlib.contextmanager
def _advisory_lock(url: str, on_progress: Callable[[str], None]) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock of all migrating processes, on a connection of its own: it ends with it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK_KEY]).fetchone()
        if row is None or not row[0]:
            on_progress("Waiting for another process that migrates this database")
            connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK_KEY])
        yield connection


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
