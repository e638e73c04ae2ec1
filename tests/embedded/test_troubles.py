"""A data folder or programs that cannot be used: one sentence, exit code 1, and nobody else is harmed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import folder
from service.embedded.binaries import find_server_programs, runnable_programs
from service.embedded.folder import stop_leftover_server
from service.resources import PACKAGE_FOLDER
from tests.embedded.running import users_of
from tests.support.process import run_wallet
from tests.support.server import server_user


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that was in use once, and is stopped; each test leaves it whole."""
    data = tmp_path_factory.mktemp("troubles") / "data"
    assert run_wallet(data.parent, "migrate", WALLET_DATA_DIR=str(data)).returncode == 0
    return data


@pytest.fixture
def kept(data: Path) -> Iterator[Path]:
    """The same, with its small files put back after the test."""
    paths = [path for path in (*data.iterdir(), *(data / "pgdata").iterdir()) if path.is_file()]
    before = {path: (path.read_bytes(), path.stat()) for path in paths}
    yield data
    for path, (content, facts) in before.items():
        path.write_bytes(content)
        os.chown(path, facts.st_uid, facts.st_gid)
        path.chmod(facts.st_mode & 0o777)


def refusal(data: Path, command: str = "serve", **variables: str) -> str:
    """Run a command that has to fail with one sentence; give the sentence."""
    done = run_wallet(data.parent, command, PORT="0", WALLET_DATA_DIR=str(data), **variables)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.count("\n") == 1
    assert users_of(data) == []
    return done.stderr.rstrip("\n")


@pytest.mark.parametrize("command", ["serve", "doctor", "url"])
def test_a_folder_that_is_a_file(tmp_path: Path, command: str) -> None:
    data = tmp_path / "data"
    data.touch()
    if command == "url":
        # There is certainly no server in it.
        assert refusal(data, command) == "The embedded PostgreSQL is not running: `wallet serve` starts it."
        return
    expected = f"The data folder {data} cannot be used: File exists; set WALLET_DATA_DIR to another one."
    assert refusal(data, command) == expected


def test_programs_that_are_not_there(tmp_path: Path) -> None:
    expected = f"WALLET_PG_BIN is {tmp_path}, but there is no initdb and postgres in it."
    assert refusal(tmp_path / "data", WALLET_PG_BIN=str(tmp_path)) == expected


def test_programs_that_do_not_run(tmp_path: Path) -> None:
    make_programs(tmp_path / "bin", postgres="exit 1", initdb="exit 1")
    sentence = refusal(tmp_path / "data", WALLET_PG_BIN=str(tmp_path / "bin"))
    assert sentence.startswith(f"The PostgreSQL programs in {tmp_path / 'bin'} cannot be run")


def test_a_cluster_that_cannot_be_made(tmp_path: Path, open_programs: Path) -> None:
    """initdb's own reason is given, and nothing half made stays."""
    make_programs(
        open_programs,
        postgres="echo 'postgres (PostgreSQL) 18.6'",
        initdb="echo 'initdb: error: the disk is full' >&2; exit 1",
    )
    data = tmp_path / "data"
    expected = f"The database cluster in {data} could not be made: initdb: error: the disk is full."
    assert refusal(data, WALLET_PG_BIN=str(open_programs)) == expected
    assert [path.name for path in data.iterdir() if path.is_dir()] == []


@pytest.fixture
def open_programs() -> Iterator[Path]:
    """A folder for programs that every account can reach."""
    with tempfile.TemporaryDirectory(prefix="pg-wallet-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def make_programs(folder: Path, **scripts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


def test_a_cluster_of_another_major_version(kept: Path) -> None:
    (kept / "pgdata" / "PG_VERSION").write_text("9\n")
    sentence = refusal(kept)
    assert sentence.startswith(f"The data folder {kept} was made by PostgreSQL 9 and cannot be used by PostgreSQL ")


def test_a_password_file_that_is_missing(kept: Path) -> None:
    (kept / "password").unlink()
    assert refusal(kept) == f"The password file {kept / 'password'} cannot be read: No such file or directory."


def test_a_password_that_is_wrong(kept: Path) -> None:
    (kept / "password").write_text("another\n")
    sentence = refusal(kept)
    assert sentence.startswith("The embedded PostgreSQL refuses the wallet: ")
    assert "password authentication failed" in sentence


def test_a_server_that_never_starts(kept: Path) -> None:
    """The supervisor gives up after a while, and says PostgreSQL's own reason and where its log is."""
    with (kept / "pgdata" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    # As `wallet serve` starts it, but with less patience.
    source = (
        "import sys, service.embedded.supervisor as s; s._FIRST_START_SECONDS = 0.5;"
        " sys.argv = ['supervisor', *sys.argv[1:]]; sys.exit(s.main())"
    )
    user = server_user()
    programs = runnable_programs(find_server_programs(None), user)
    arguments = ["--data", str(kept), "--programs", str(programs)]
    if user is not None:
        arguments += ["--user", user.name, str(user.uid), str(user.gid)]
    with (kept / "postgres.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            cwd=PACKAGE_FOLDER.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with supervisor:
        assert supervisor.stdout is not None
        error = json.loads(supervisor.stdout.readline())["error"]
        # By itself: its input is still open.
        assert supervisor.wait(30) == 1
    assert error.startswith(f"it does not start, see {kept / 'postgres.log'}: configuration file ")
    assert users_of(kept) == []


def test_a_log_does_not_grow_for_ever(kept: Path) -> None:
    """A large one is put aside at the next start, in place of the one before."""
    log = kept / "postgres.log"
    os.truncate(log, 17 * 1024 * 1024)
    assert run_wallet(kept.parent, "migrate", WALLET_DATA_DIR=str(kept)).returncode == 0
    assert log.stat().st_size < 1024 * 1024
    assert (kept / "postgres.log.1").stat().st_size == 17 * 1024 * 1024


def test_a_process_that_happens_to_have_the_number(tmp_path: Path) -> None:
    """After a reboot the number in postmaster.pid may be anybody's: only a server of this very folder is stopped."""
    pgdata = tmp_path / "pgdata"
    elsewhere = tmp_path / "elsewhere"
    for path in (pgdata, elsewhere):
        path.mkdir()
    assert stop_leftover_server(pgdata)
    with sleeping(elsewhere) as bystander:
        for content in (f"{bystander.pid}\n{pgdata}\n", "0\n", f"-{bystander.pid}\n", "no number\n", ""):
            (pgdata / "postmaster.pid").write_text(content)
            assert stop_leftover_server(pgdata)
            assert bystander.poll() is None
    with sleeping(pgdata) as leftover:
        (pgdata / "postmaster.pid").write_text(f"{leftover.pid}\n{pgdata}\n")
        reaper = threading.Thread(target=leftover.wait)
        reaper.start()
        assert stop_leftover_server(pgdata)
        reaper.join()
        assert leftover.returncode == -signal.SIGINT


def test_a_leftover_server_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGINT and SIGQUIT do nothing: SIGKILL does."""
    monkeypatch.setattr(folder, "FAST_SHUTDOWN_SECONDS", 0.1)
    monkeypatch.setattr(folder, "IMMEDIATE_SHUTDOWN_SECONDS", 0.1)
    stubborn = "for one in (signal.SIGINT, signal.SIGQUIT): signal.signal(one, signal.SIG_IGN)\n"
    with sleeping(tmp_path, stubborn) as leftover:
        (tmp_path / "postmaster.pid").write_text(f"{leftover.pid}\n")
        reaper = threading.Thread(target=leftover.wait)
        reaper.start()
        assert stop_leftover_server(tmp_path)
        reaper.join()
        assert leftover.returncode == -signal.SIGKILL


@contextlib.contextmanager
def sleeping(directory: Path, first: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in a working directory until it is killed."""
    source = (
        f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n{first}"
        "print(flush=True)\nwhile True: signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", source], cwd=directory, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
