"""Preparing the embedded PostgreSQL's data folder, starting its supervisor, saying where the database is."""

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from service.embedded.binaries import (
    EmbeddedDatabaseError,
    ServerUser,
    credentials,
    environment,
    find_server_programs,
    major_version,
    runnable_programs,
)
from service.embedded.folder import (
    FAST_SHUTDOWN_SECONDS,
    IMMEDIATE_SHUTDOWN_SECONDS,
    DataFolder,
    reachable_directory,
    stop_leftover_server,
)
from service.resources import PACKAGE_FOLDER
from service.settings import Settings

__all__ = ["EmbeddedDatabaseError", "open_database", "running_url"]

DATABASE_USER = "wallet"
DATABASE_NAME = "wallet"
_OTHER_PROCESS_SECONDS = 30.0
_STOP_SECONDS = FAST_SHUTDOWN_SECONDS + IMMEDIATE_SHUTDOWN_SECONDS + 3.0


@contextlib.contextmanager
def open_database(settings: Settings, exclusive: bool) -> Iterator[str]:
    """Make sure a database can be used, and yield its URL.

    With DATABASE_URL set that is the URL. Otherwise the embedded server is started, and stopped at the end;
    when another wallet process runs it already, its URL is yielded, or, with `exclusive`, the start is
    refused.

    Raises:
        EmbeddedDatabaseError: the embedded server cannot be started, or another process runs it and
        `exclusive` is set.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    folder = DataFolder(settings.data_dir)
    with contextlib.ExitStack() as stack:
        if not stack.enter_context(_wallet_lock(folder)):
            if exclusive:
                raise EmbeddedDatabaseError(
                    f"Another wallet process{_holder(folder)} uses the data folder {folder.path}: "
                    "stop it first, or set WALLET_DATA_DIR to another folder."
                )
            yield _wait_for_url(folder)
            return
        port = stack.enter_context(_running_server(folder, settings.pg_bin))
        _create_database(folder, port)
        yield _url(folder, port)


def running_url(settings: Settings) -> str | None:
    """Return the URL of the database in use, or None when the embedded server is not running; start nothing.

    Raises:
        EmbeddedDatabaseError: the data folder cannot be read.
    """
    if settings.database_url is not None:
        return settings.database_url
    folder = DataFolder(settings.data_dir)
    if not folder.wallet_lock.exists():
        return None
    with _wallet_lock(folder) as free:
        return None if free else _wait_for_url(folder)


@contextlib.contextmanager
def _wallet_lock(folder: DataFolder) -> Iterator[bool]:
    """Try to lock the folder; yield whether that worked. The kernel frees it when the process ends."""
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = folder.wallet_lock.open("a+")
        folder.give_to_owner(folder.wallet_lock)
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"The data folder {folder.path} cannot be used: {error.strerror}; set WALLET_DATA_DIR to another one."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield True


def _holder(folder: DataFolder) -> str:
    with contextlib.suppress(OSError, ValueError):
        return f" (process {int(folder.wallet_lock.read_text())})"
    return ""


@contextlib.contextmanager
def _running_server(folder: DataFolder, pg_bin: Path | None) -> Iterator[int]:
    """Start the server and yield its port; stop it at the end."""
    user = _server_user(folder)
    programs = runnable_programs(find_server_programs(pg_bin), user)
    _initialize(folder, programs, user)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        f"{__package__}.supervisor",
        "--data",
        folder.path,
        "--programs",
        programs,
    ]
    if user is not None:
        command += ["--user", user.name, str(user.uid), str(user.gid)]
    with folder.log.open("ab") as log:
        folder.give_to_owner(folder.log)
        supervisor = subprocess.Popen(
            command,
            # This very package: the working directory may hold a module of the same name.
            cwd=PACKAGE_FOLDER.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        with supervisor.stdout:
            answer = supervisor.stdout.readline()
        message = json.loads(answer) if answer else {"error": f"its supervisor failed, see {folder.log}"}
        if "error" in message:
            raise EmbeddedDatabaseError(f"The embedded PostgreSQL could not be started: {message['error']}.")
        yield int(message["port"])
    finally:
        supervisor.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            supervisor.wait(_STOP_SECONDS)
        # Nothing to do, unless the supervisor was killed.
        stop_leftover_server(folder.pgdata)


def _server_user(folder: DataFolder) -> ServerUser | None:
    """Return the account to run PostgreSQL under; None means our own, which is right unless we are root."""
    if os.getuid() != 0:
        return None
    # A cluster keeps its owner; the owner of the folder comes next, who may start the wallet without root
    # later.
    for path in (folder.pgdata, folder.path):
        with contextlib.suppress(FileNotFoundError, KeyError):
            owner = path.stat().st_uid
            if owner != 0:
                return _account(pwd.getpwuid(owner))
    try:
        return _account(pwd.getpwnam("nobody"))
    except KeyError as error:
        raise EmbeddedDatabaseError(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it: "
            "start the wallet as another user."
        ) from error


def _account(entry: pwd.struct_passwd) -> ServerUser:
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _initialize(folder: DataFolder, programs: Path, user: ServerUser | None) -> None:
    """Make the database cluster, unless it is there."""
    if (folder.pgdata / "PG_VERSION").exists():
        made_by = (folder.pgdata / "PG_VERSION").read_text().strip()
        found = major_version(programs, user)
        if made_by != str(found):
            raise EmbeddedDatabaseError(
                f"The data folder {folder.path} was made by PostgreSQL {made_by} and cannot be used by "
                f"PostgreSQL {found} of {programs}: set WALLET_PG_BIN or WALLET_DATA_DIR."
            )
        if user is not None and folder.pgdata.stat().st_uid == 0:
            # Somebody copied the folder as root.
            _give_tree(folder.pgdata, user)
        return
    for leftover in folder.path.glob("pgdata.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    password = secrets.token_urlsafe(24)
    _write_secret(folder.password, password)
    folder.give_to_owner(folder.password)
    draft = Path(tempfile.mkdtemp(dir=folder.path, prefix="pgdata.new-"))
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        if user is not None:
            os.chown(password_file.name, user.uid, user.gid)
            os.chown(draft, user.uid, user.gid)
        with reachable_directory(draft, user) as (directory, descriptors):
            done = subprocess.run(
                [
                    programs / "initdb",
                    *("-D", directory),
                    f"--username={DATABASE_USER}",
                    f"--pwfile={password_file.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--data-checksums",
                ],
                cwd="/",
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                env=environment(),
                **credentials(user),
            )
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        reason = next(
            (line for line in done.stderr.splitlines() if "error" in line or "FATAL" in line),
            "no reason given",
        )
        raise EmbeddedDatabaseError(f"The database cluster in {folder.path} could not be made: {reason}.")
    # Renamed when whole: a killed start leaves no half of a cluster behind.
    draft.rename(folder.pgdata)


def _give_tree(root: Path, user: ServerUser) -> None:
    for parent, folders, files in os.walk(root):
        for name in (".", *folders, *files):
            os.chown(Path(parent, name), user.uid, user.gid, follow_symlinks=False)
    root.chmod(0o700)


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text + "\n")


def _create_database(folder: DataFolder, port: int) -> None:
    try:
        with psycopg.connect(
            _url(folder, port, database="postgres"), client_encoding="UTF8", autocommit=True
        ) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME)))
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        raise EmbeddedDatabaseError(f"The embedded PostgreSQL refuses the wallet: {reason}.") from error


def _wait_for_url(folder: DataFolder) -> str:
    """Return the URL of the server another wallet process runs, which may be about to start it."""
    deadline = time.monotonic() + _OTHER_PROCESS_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, KeyError, psycopg.OperationalError):
            url = _url(folder, int(json.loads(folder.server.read_text())["port"]))
            psycopg.connect(url, client_encoding="UTF8", connect_timeout=5).close()
            return url
        time.sleep(0.1)
    raise EmbeddedDatabaseError(
        f"Another wallet process{_holder(folder)} uses the data folder {folder.path}, but its server does not answer."
    )


def _url(folder: DataFolder, port: int, database: str = DATABASE_NAME) -> str:
    try:
        # Made of letters, digits, - and _ only, so that it needs no quoting.
        password = folder.password.read_text().strip()
    except OSError as error:
        raise EmbeddedDatabaseError(f"The password file {folder.password} cannot be read: {error.strerror}.") from error
    return f"postgresql://{DATABASE_USER}:{password}@127.0.0.1:{port}/{database}"
