"""`wallet serve` without DATABASE_URL: ready at once, closed to others, and shared with the other commands."""

import json
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from service.embedded.binaries import major_version
from service.release import ReleaseState, release_state
from tests.conftest import Connect
from tests.embedded.running import EmbeddedService, new_key, one, started, users_of
from tests.support.ledger import Ledger
from tests.support.other_server import other_programs
from tests.support.process import run_wallet
from tests.support.server import server_user


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedService]:
    """One service for the module, on a folder that was not there before."""
    with started(tmp_path_factory.mktemp("embedded") / "data") as service:
        yield service


def test_it_is_migrated_and_seeded_and_answers(service: EmbeddedService, connect: Connect) -> None:
    """Everything is there after one command: this release's schema, the demo data, health and a posting."""
    assert service.call("GET", "/health").status == 200
    connection = connect(service.url)
    assert release_state(connection) is ReleaseState.CURRENT
    ledger = Ledger(connection)
    assert ledger.problems() == {}
    assert [asset["symbol"] for asset in service.call("GET", "/asset-types").body["data"]] == ["DM", "GC", "LP"]
    query = "SELECT balance::integer FROM wallet.accounts WHERE external_id = 'USER_ALICE_GC'"
    assert one(service.url, query) == 1000
    wallet = service.wallet()
    assert service.top_up(wallet, "1.5", new_key()).status == 201
    assert str(service.balance(wallet)) == "1.5"


def test_everything_listens_on_the_loopback_only(service: EmbeddedService) -> None:
    """The service and PostgreSQL take connections on 127.0.0.1 and on nothing else; no socket in the file system."""
    listening = {}
    for process in (psutil.Process(service.process.pid), service.supervisor, service.server):
        connections = process.net_connections(kind="all")
        listening[process.pid] = {
            found.laddr[:2] if found.family is socket.AF_INET else found.laddr
            for found in connections
            if found.status == psutil.CONN_LISTEN or (found.family is socket.AF_UNIX and found.laddr)
        }
    own_port = int(service.base_url.rpartition(":")[2])
    port = int(str(conninfo_to_dict(service.url)["port"]))
    assert listening == {
        service.process.pid: {("127.0.0.1", own_port)},
        service.supervisor.pid: set(),
        service.server.pid: {("127.0.0.1", port)},
    }
    assert one(service.url, "SHOW listen_addresses") == "127.0.0.1"
    assert one(service.url, "SHOW unix_socket_directories") == ""


def test_the_server_is_set_up_for_money(service: EmbeddedService) -> None:
    """It syncs to disk, checks its pages, and knows every letter, whatever the locale of the machine is."""
    settings = {
        name: one(service.url, f"SHOW {name}")
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums", "server_encoding")
    }
    assert settings == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
    }
    assert one(service.url, "SELECT datcollate FROM pg_database WHERE datname = 'wallet'") == "C"


def test_a_password_is_needed(service: EmbeddedService) -> None:
    """Every way in asks for it, by SCRAM; whoever does not know it is not let in."""
    methods = "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules"
    assert one(service.url, methods) == ["scram-sha-256"]
    for wrong in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError, match=r"password"):
            psycopg.connect(service.url, password=wrong, passfile="/nowhere")


@pytest.mark.parametrize("command", ["serve", "migrate", "seed", "doctor", "import"])
def test_a_wrong_password_is_told_in_a_sentence(tmp_path: Path, service: EmbeddedService, command: str) -> None:
    """Exit code 1, no traceback, and neither password is shown."""
    password = str(conninfo_to_dict(service.url)["password"])
    url = service.url.replace(password, "wr0ng-pass")
    arguments = [command, os.devnull] if command == "import" else [command]
    done = run_wallet(tmp_path, *arguments, DATABASE_URL=url, PORT="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r'The database [^\n]*password authentication failed for user "wallet"[^\n]*\.\n', done.stderr)
    assert "wr0ng-pass" not in done.stderr


def test_the_password_is_the_owners_alone(service: EmbeddedService) -> None:
    """Only the owner may read it and enter the folder; it is in no other file, in no process's arguments."""
    data = service.data
    modes = {name: stat.S_IMODE((data / name).stat().st_mode) for name in (".", "password", "pgdata")}
    assert modes == {".": 0o700, "password": 0o600, "pgdata": 0o700}
    password = (data / "password").read_text().strip()
    assert len(password) >= 32
    for path in data.iterdir():
        if path.is_file() and path.name != "password":
            assert password not in path.read_text(), path
    family = [psutil.Process(service.process.pid), service.supervisor, *service.supervisor.children(recursive=True)]
    assert len(family) > 3
    for process in family:
        assert not any(password in argument for argument in process.cmdline()), process
    assert password not in service.log.read_text()


def test_postgresql_does_not_run_as_root(service: EmbeddedService) -> None:
    """As the user of the tests; when that is root, as another one who can read nothing of root's."""
    uids = service.server.uids()
    expected = os.getuid() or (server_user() or pytest.fail("root has no substitute")).uid
    assert set(uids) == {expected}
    assert service.data.joinpath("pgdata").stat().st_uid == expected


def test_a_second_serve_is_refused(service: EmbeddedService) -> None:
    """Exit code 1 and one sentence that says which process is in the way; the first one goes on as it was."""
    server = service.server.pid
    done = run_wallet(service.data.parent, "serve", PORT="0", WALLET_DATA_DIR=str(service.data))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Another wallet process (process {service.process.pid}) uses the data folder {service.data}: "
        "stop it first, or set WALLET_DATA_DIR to another folder.\n"
    )
    assert service.server.pid == server
    assert service.call("GET", "/health").status == 200


def test_the_other_commands_work_beside_it(service: EmbeddedService, connect: Connect) -> None:
    """They use the server that runs, start none, stop none."""
    books = Ledger(connect(service.url))
    before = (service.supervisor.pid, service.server.pid, books.state())
    assert conninfo_to_dict(service.url)["host"] == "127.0.0.1"
    assert {check["problems"] for check in json.loads(service.run("doctor", "--json").stdout)} == {0}
    assert service.run("psql", "-XAtc", "SELECT count(*) FROM wallet.asset_types").stdout == "3\n"
    assert service.run("migrate").stdout == "The database is current: nothing had changed.\n"
    assert service.run("seed").stdout == "The demo data is there.\n"
    assert (service.supervisor.pid, service.server.pid, books.state()) == before
    assert service.call("GET", "/health").status == 200


def test_the_system_s_postgresql_can_be_chosen(tmp_path: Path) -> None:
    """WALLET_PG_BIN chooses the programs; a data folder of another major version is refused in a sentence."""
    programs = other_programs()
    if programs is None:
        pytest.skip("no PostgreSQL of another major version is installed")
    data = tmp_path / "data"
    version = major_version(programs, server_user())
    with started(data, WALLET_PG_BIN=str(programs)) as service:
        assert one(service.url, "SHOW server_version_num").startswith(str(version))
        assert service.call("GET", "/health").status == 200
    done = run_wallet(tmp_path, "serve", PORT="0", WALLET_DATA_DIR=str(data))
    assert (done.returncode, done.stdout) == (1, "")
    made_by = f"The data folder {data} was made by PostgreSQL {version} and cannot be used by PostgreSQL "
    assert done.stderr.startswith(made_by)
    assert done.stderr.count("\n") == 1
    assert users_of(data) == []
