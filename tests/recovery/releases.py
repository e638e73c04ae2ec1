"""Checkouts of other releases, run beside this one."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from service.resources import checkout_folder
from tests.support.process import wallet_command, wallet_environment

_PARTS = ("service", "db")
_FILES = ("seed.sql", "pyproject.toml")


def this_checkout() -> Path:
    """The folder of this checkout."""
    found = checkout_folder()
    assert found is not None
    return found


def copy_of_this_release(folder: Path) -> Path:
    """Copy what `wallet` consists of, for a test to change."""
    for name in _PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(this_checkout() / name, folder / name, ignore=ignored)
    for name in _FILES:
        shutil.copy(this_checkout() / name, folder / name)
    return folder


def next_release(folder: Path) -> Path:
    """Make a release that comes after this one.

    It has an index that is built beside the writers, new columns in tables that each posting writes to, and a routine
    of theirs with another result, which only its other routines understand.
    """
    copy_of_this_release(folder)
    migrations = folder / "db" / "migrations"
    (migrations / "9001-index.sql").write_text(
        "-- transactional: false\n"
        "SET lock_timeout = 0;\n"
        "DROP INDEX CONCURRENTLY IF EXISTS wallet.transactions_posted_by_idx;\n"
        "CREATE INDEX CONCURRENTLY transactions_posted_by_idx ON wallet.transactions (posted_by);\n"
    )
    (migrations / "9002-columns.sql").write_text(
        "SET LOCAL ROLE wallet_owner;\n"
        "ALTER TABLE wallet.accounts ADD COLUMN shade text;\n"
        "ALTER TABLE wallet.transactions ADD COLUMN channel text DEFAULT 'app' NOT NULL;\n"
        "DROP FUNCTION wallet.lock_accounts(uuid[]);\n"
    )
    functions = folder / "db" / "functions"
    edit(functions / "lock_accounts.sql", "posted_at", "instant")
    callers = [path for path in functions.glob("*.sql") if "v_accounts.posted_at" in path.read_text()]
    assert callers
    for path in callers:
        edit(path, "v_accounts.posted_at", "v_accounts.instant")
    return folder


def release_without(folder: Path, routine: str, signature: str) -> Path:
    """Make a release that comes after this one and has a routine of wallet.post's under another name."""
    copy_of_this_release(folder)
    drop = f"SET LOCAL ROLE wallet_owner;\nDROP FUNCTION {signature};\n"
    (folder / "db" / "migrations" / "9001-renamed.sql").write_text(drop)
    for path in (folder / "db" / "functions").glob("*.sql"):
        path.write_text(path.read_text().replace(f"wallet.{routine}(", f"wallet.renamed_{routine}("))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file; it must be there."""
    text = path.read_text()
    assert old in text, f"{path.name} has no {old}"
    path.write_text(text.replace(old, new))


def start_wallet(checkout: Path, database_url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a `wallet` command of a checkout."""
    return subprocess.Popen(
        wallet_command(*arguments),
        cwd=checkout,
        env=wallet_environment(DATABASE_URL=database_url, PYTHONPATH=str(checkout)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def newest_release_before(checkout: Path) -> str | None:
    """The newest tag v… of a commit before the one that is checked out; None when there is none, or no repository."""
    try:
        tags, tags_here = (
            subprocess.run(
                ["git", "-C", str(checkout), "tag", "--list", "v*", "--sort=-version:refname", *which],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            for which in (["--merged", "HEAD"], ["--points-at", "HEAD"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return next((tag for tag in tags if tag not in tags_here), None)


def export_release(checkout: Path, tag: str, folder: Path) -> Path:
    """Write the files of a tag into a folder."""
    archive = subprocess.run(["git", "-C", str(checkout), "archive", tag], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder
