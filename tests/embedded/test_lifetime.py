"""The server lives as long as the service and no longer, however either ends; what was posted stays."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.embedded.running import (
    EmbeddedService,
    Wallet,
    is_alive,
    kill_all,
    new_key,
    one,
    started,
    until,
    users_of,
)
from tests.support.process import run_wallet, wallet_command, wallet_environment


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the tests of the module use one after the other: each finds what those before left."""
    return tmp_path_factory.mktemp("lifetime") / "data"


@pytest.fixture
def start(tmp_path: Path) -> Iterator["Start"]:
    """Start `wallet serve` without waiting until it answers; it is killed at the end."""
    begun = Start()
    yield begun
    for process in begun.processes:
        process.kill()
        process.wait()


class Start:
    """Starts `wallet serve`."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, data: Path, **variables: str) -> subprocess.Popen[bytes]:
        environment = wallet_environment(WALLET_DATA_DIR=str(data), PORT="0", **variables)
        with (data.parent / "begun.log").open("wb") as log:
            process = subprocess.Popen(
                wallet_command("serve"),
                cwd=data.parent,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process


def family(service: EmbeddedService) -> list[psutil.Process]:
    """Give the supervisor, the server and all the server's own processes."""
    return psutil.Process(service.process.pid).children(recursive=True)


def posted(service: EmbeddedService) -> tuple[Wallet, str]:
    """Post once and see it answered; give the wallet, which holds 1, and the key."""
    wallet, key = service.wallet(), new_key()
    assert service.top_up(wallet, "1", key).status == 201
    return wallet, key


def check_still_there(service: EmbeddedService, wallet: Wallet, key: str) -> None:
    """The posting is in the books: once, also when it is sent again."""
    assert service.balance(wallet) == 1
    again = service.top_up(wallet, "1", key)
    assert (again.status, again.replayed) == (201, True)
    assert service.balance(wallet) == 1
    assert one(service.url, "SELECT sum(problems)::integer FROM wallet.doctor()") == 0


def shut_down_in_order(data: Path) -> bool:
    """Whether the last server on the folder had the time to write everything out."""
    log = (data / "postgres.log").read_text().rpartition("starting PostgreSQL")[2]
    in_order = "received fast shutdown request" in log and "immediate shutdown" not in log
    return in_order and log.endswith("database system is shut down\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_too(data: Path, number: signal.Signals) -> None:
    """Exit code 0; by then every process is gone and the server has shut down in order; the data is still there."""
    with started(data) as service:
        wallet, key = posted(service)
        assert len(users_of(data)) > 2
        # A session that stays open is no hindrance.
        with psycopg.connect(service.url):
            service.send_signal(number)
            assert service.wait() == 0
        assert users_of(data) == []
        assert "Traceback" not in service.log.read_text()
        assert shut_down_in_order(data)
    assert not (data / "server.json").exists()
    with started(data) as service:
        check_still_there(service, wallet, key)


def test_a_signal_to_everybody_is_left_to_the_service(data: Path) -> None:
    """Ctrl-C reaches the terminal's whole group: the supervisor is in none of it, and leaves signals aside anyway."""
    with started(data) as service:
        supervisor, server = service.supervisor, service.server
        assert os.getsid(supervisor.pid) == os.getsid(server.pid) == supervisor.pid
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            supervisor.send_signal(number)
        # It still does its work.
        server.send_signal(signal.SIGKILL)
        until(lambda: has_new_server(service, server), "a new server runs")
        assert service.supervisor == supervisor
        service.send_signal(signal.SIGINT)
        assert service.wait() == 0
        assert users_of(data) == []
        assert shut_down_in_order(data)


def test_the_service_ends_last(data: Path) -> None:
    """Whoever waits for its end may use the folder at once, however long the server takes."""
    with started(data) as service:
        supervisor = service.supervisor
        supervisor.suspend()
        try:
            service.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                service.process.wait(1)
        finally:
            supervisor.resume()
        assert service.wait() == 0
        assert users_of(data) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_serves(tmp_path: Path, start: Start, number: signal.Signals) -> None:
    """Asked to stop while it still prepares: exit code 0, nothing left, and the next start works."""
    data = tmp_path / "data"
    process = start(data)
    until((data / "server.json").exists, "the server is up")
    process.send_signal(number)
    assert process.wait(30) == 0
    assert users_of(data) == []
    assert "Traceback" not in (tmp_path / "begun.log").read_text()
    with started(data) as service:
        assert service.call("GET", "/health").status == 200


def test_a_killed_service_takes_its_server_along(data: Path) -> None:
    """kill -9 of the service: the server stops by itself, in order; what was answered is there after a new start."""
    with started(data) as service:
        wallet, key = posted(service)
        others = family(service)
        service.send_signal(signal.SIGKILL)
        until(lambda: not any(map(is_alive, others)), "the server and its supervisor end")
        assert users_of(data) == []
        assert shut_down_in_order(data)
    with started(data) as service:
        check_still_there(service, wallet, key)


def test_a_new_start_need_not_wait_for_the_old_server(data: Path) -> None:
    """Started at once after a kill -9, while the old server still runs: there is never more than one."""
    with started(data) as service:
        wallet, key = posted(service)
        server, supervisor = service.server, service.supervisor
        # Held up, the supervisor does not notice yet that its service is gone.
        supervisor.suspend()
        service.send_signal(signal.SIGKILL)
        service.wait()
        with contextlib.ExitStack() as stack:
            starting = stack.enter_context(ThreadPoolExecutor(1)).submit(EmbeddedService, data)
            stack.callback(lambda: starting.result().stop())
            try:
                until(lambda: has_another_supervisor(data, supervisor), "the new start has got that far")
                with pytest.raises(TimeoutError):
                    starting.result(1)
                assert is_alive(server)
            finally:
                supervisor.resume()
            new = starting.result()
            assert not is_alive(server)
            assert new.server.pid != server.pid
            check_still_there(new, wallet, key)


def has_another_supervisor(data: Path, other: psutil.Process) -> bool:
    """Whether a second supervisor has been started on the folder."""
    pids = {one.pid for one in users_of(data) if "service.embedded.supervisor" in one.cmdline()}
    return len(pids | {other.pid}) == 2


def test_a_killed_server_comes_back(data: Path) -> None:
    """kill -9 of PostgreSQL's first process: the service answers again on its own, and has lost and doubled nothing."""
    with started(data) as service:
        wallet, key = posted(service)
        supervisor = service.supervisor
        # Twice: it is not the first restart alone that works.
        for balance in (2, 3):
            server = service.server
            server.send_signal(signal.SIGKILL)
            # Who lost its server is answered 503; a session that has not noticed yet may even do its work.
            second = new_key()
            assert service.call("GET", "/health").status in {200, 503}
            assert service.top_up(wallet, "1", second).status == 201
            until(lambda old=server: has_new_server(service, old), "a new server runs")  # type: ignore[misc]
            assert service.ask("GET", "/health").status == 200
            assert service.top_up(wallet, "1", second).replayed
            assert service.balance(wallet) == balance
        assert service.top_up(wallet, "1", key).replayed
        assert one(service.url, "SELECT sum(problems)::integer FROM wallet.doctor()") == 0
        assert service.supervisor == supervisor
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        assert users_of(data) == []


def has_new_server(service: EmbeddedService, old: psutil.Process) -> bool:
    """Whether the supervisor says that another server runs; while none does, there is no such file."""
    try:
        return service.server != old
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False


def test_a_killed_session_does_no_harm(data: Path) -> None:
    """kill -9 of one of the server's processes, which makes PostgreSQL restart all of them: the service goes on."""
    with started(data) as service:
        wallet, key = posted(service)
        with psycopg.connect(service.url) as connection:
            psutil.Process(connection.info.backend_pid).send_signal(signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert service.top_up(wallet, "1", new_key()).status == 201
        assert service.balance(wallet) == 2
        assert service.top_up(wallet, "1", key).replayed


def test_a_killed_supervisor_leaves_no_server_behind(data: Path) -> None:
    """kill -9 of the supervisor: the server goes on serving, and is stopped with the service all the same."""
    with started(data) as service:
        wallet, key = posted(service)
        server, supervisor = service.server, service.supervisor
        supervisor.send_signal(signal.SIGKILL)
        until(lambda: not is_alive(supervisor), "the supervisor ends")
        check_still_there(service, wallet, key)
        assert is_alive(server)
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        assert users_of(data) == []


def test_a_server_nobody_looks_after_is_stopped_before_a_new_one(data: Path) -> None:
    """kill -9 of the supervisor and the service: the server that is left over gives way to the next start."""
    with started(data) as service:
        wallet, key = posted(service)
        server = service.server
        kill_all([service.supervisor, psutil.Process(service.process.pid)])
        assert is_alive(server)
        with started(data) as new:
            assert not is_alive(server)
            check_still_there(new, wallet, key)


def test_a_cluster_made_by_halves_is_made_again(tmp_path: Path, start: Start) -> None:
    """kill -9 during the very first start: the next one begins from the beginning and leaves no litter."""
    data = tmp_path / "data"
    process = start(data)
    until(lambda: any(data.glob("pgdata.new-*/base")), "the cluster is being made")
    assert not (data / "pgdata").exists()
    making = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    kill_all(making)
    with started(data) as service:
        assert service.call("GET", "/health").status == 200
        assert list(data.glob("pgdata.new-*")) == []


def test_nothing_is_left_when_the_service_cannot_start(data: Path) -> None:
    """A port in use: exit code 1, one sentence that names the port, and no server stays."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_wallet(data.parent, "serve", WALLET_DATA_DIR=str(data), PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"Port {port} on 127.0.0.1 is in use: set PORT to another one."
    assert "Traceback" not in done.stderr
    assert users_of(data) == []


def test_the_commands_bring_the_server_along(tmp_path: Path) -> None:
    """Without a service, a command starts the server for itself and stops it; `url` alone does not."""
    data = tmp_path / "data"

    def run(*arguments: str) -> tuple[int, str, str]:
        done = run_wallet(tmp_path, *arguments, WALLET_DATA_DIR=str(data))
        assert users_of(data) == []
        return done.returncode, done.stdout, done.stderr

    not_running = (1, "", "The embedded PostgreSQL is not running: `wallet serve` starts it.\n")
    assert run("url") == not_running
    assert not data.exists()
    assert run("seed") == (1, "", "The database is behind this release: run `wallet migrate`.\n")
    code, result, _ = run("migrate")
    assert (code, result.partition(":")[0]) == (0, "The database is current")
    assert run("seed") == (0, "The demo data is there.\n", "")
    assert run("psql", "-XAtc", "SELECT count(*) FROM wallet.asset_types") == (0, "3\n", "")
    assert run("url") == not_running
