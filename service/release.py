"""Which release of the schema and the routines a database has, compared with the one this package brings."""

import enum
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from service import resources


class ReleaseState(enum.Enum):
    """How a database's release relates to this package's."""

    CURRENT = "current"
    BEHIND = "behind"
    """Migrations of this package are missing, or the wallet is not installed at all."""
    AHEAD = "ahead"
    """A newer package migrated it. Its routines serve this one too: they stay compatible for one release."""
    FUNCTIONS_DIFFER = "functions_differ"
    """The same migrations, but other routines."""


@dataclass(frozen=True)
class Release:
    """What identifies a release."""

    migrations: tuple[str, ...]
    """The names of the migrations (their file names without `.sql`), sorted."""
    functions_sha256: str
    """The fingerprint of the routines, as 64 hexadecimal digits."""


def migration_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the migrations in the folder, as yoyo names them, sorted."""
    files = (path for path in folder.iterdir() if path.suffix in {".sql", ".py"})
    return tuple(
        sorted(
            path.stem
            for path in files
            if not path.name.endswith(".rollback.sql") and not path.name.startswith("post-apply")
        )
    )


def function_files(folder: Path) -> list[Path]:
    """Return the files of the routines in the order in which they are applied."""
    return sorted(folder.glob("*.sql"))


def functions_sha256(folder: Path) -> str:
    """Return the fingerprint of all routines: of the sorted (file name, NUL, content, NUL)."""
    digest = hashlib.sha256()
    for path in function_files(folder):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def release_of(migrations: Path, functions: Path) -> Release:
    """Return the release that the files in the two folders make."""
    return Release(migration_names(migrations), functions_sha256(functions))


def packaged_release() -> Release:
    """Return the release this package brings."""
    return release_of(resources.migrations_folder(), resources.functions_folder())


def compare(ours: Release, theirs: Release | None) -> ReleaseState:
    """Say how a database with the release `theirs` (None: not installed) relates to `ours`."""
    if theirs is None or not set(ours.migrations) <= set(theirs.migrations):
        return ReleaseState.BEHIND
    if set(theirs.migrations) > set(ours.migrations):
        return ReleaseState.AHEAD
    return ReleaseState.CURRENT if ours.functions_sha256 == theirs.functions_sha256 else ReleaseState.FUNCTIONS_DIFFER


def database_release(connection: psycopg.Connection[Any]) -> Release | None:
    """Return the release a database says it has, or None when the wallet is not installed there.

    The connection must not be in a failed transaction; it is left as it was.
    """
    try:
        with connection.transaction():
            row = connection.execute("SELECT migrations, functions_sha256 FROM wallet.current_release()").fetchone()
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
        return None
    return Release(tuple(sorted(row[0])), row[1]) if row and row[0] is not None else None


def release_state(connection: psycopg.Connection[Any]) -> ReleaseState:
    """Compare the database's release with this package's."""
    return compare(packaged_release(), database_release(connection))
