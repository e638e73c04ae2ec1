"""`wallet serve --workers`: several processes on one port."""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from service.cli import workers
from service.cli.failure import Failure, SettingFailure
from service.settings import Settings, SettingsError, load_settings
from tests.conftest import Connect, StartService
from tests.http.batches import gate_held
from tests.http.waiting import until_waiting
from tests.support.ledger import Ledger
from tests.support.process import ServiceProcess, run_wallet, wallet_command, wallet_environment

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith(("linux", "darwin")), reason="needs SO_REUSEPORT"),
]

_LISTENS = re.compile(r"worker (\d+) listens \(process (\d+)\)")
_DEADLINE_SECONDS = 30.0


def workers_started(service: ServiceProcess) -> list[tuple[int, int]]:
    """Give number and process id of every worker that ever listened, in order."""
    return [(int(number), int(pid)) for number, pid in _LISTENS.findall(service.log.read_text())]


def is_running(pid: int) -> bool:
    """Whether the process lives: one that nobody has waited for yet does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.strip().startswith("Z")


def children(pid: int) -> set[int]:
    """Give the process ids of the children."""
    shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in shown.splitlines())
    return {int(child) for child, parent in pairs if int(parent) == pid}


def is_listening(service: ServiceProcess) -> bool:
    """Whether a new connection is taken."""
    try:
        socket.create_connection(("127.0.0.1", int(service.base_url.rpartition(":")[2]))).close()
    except ConnectionRefusedError:
        return False
    return True


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


class Load:
    """Clients that post top-ups of 1 and send a request again, under the same key, until it is answered."""

    def __init__(self, service: ServiceProcess, books: Ledger, clients: int = 24) -> None:
        self._clients = clients
        row = books.connection.execute(
            "SELECT id, asset_type_id FROM wallet.accounts WHERE external_id = 'USER_BOB_LP'"
        ).fetchone()
        assert row is not None
        self.wallet, self._asset = row
        self._url = f"{service.base_url}/api/v1/transactions/top-up"
        self._keys = (f"load-{number}" for number in itertools.count())
        self.answered: set[str] = set()
        self.retries = 0
        self.enough = False

    async def run(self) -> None:
        """Post until `enough`, or until nobody listens any more."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(self._client(session) for _ in range(self._clients)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        body = {"accountId": str(self.wallet), "assetTypeId": str(self._asset), "amount": 1}
        while not self.enough:
            key = next(self._keys)
            while key not in self.answered:
                try:
                    async with session.post(self._url, json=body, headers={"Idempotency-Key": key}) as response:
                        await response.read()
                        assert response.status in (201, 503)
                        if response.status == 201:
                            self.answered.add(key)
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError:
                    self.retries += 1

    def check(self, books: Ledger, may_have_more: bool = False) -> None:
        """Nothing that was answered is lost, and nothing is there twice."""
        rows = books.connection.execute(
            "SELECT idempotency_key, count(*) FROM wallet.transactions WHERE idempotency_key LIKE 'load-%' GROUP BY 1"
        ).fetchall()
        posted: dict[str, int] = dict(rows)
        assert set(posted.values()) == {1}
        if may_have_more:
            assert self.answered <= set(posted)
        else:
            assert self.answered == set(posted)
        assert books.balance(self.wallet) == 200 + len(posted)
        assert books.problems() == {}


@pytest.fixture
def books(seeded_url: str, connect: Connect) -> Ledger:
    """The tables by SQL."""
    return Ledger(connect(seeded_url))


async def test_all_workers_answer_on_one_port(start_service: StartService, seeded_url: str) -> None:
    """New connections come to both of them (the process is in the request's id)."""
    with start_service(seeded_url, WORKERS="2") as service:
        assert {number for number, _ in workers_started(service)} == {1, 2}
        assert children(service.process.pid) == {pid for _, pid in workers_started(service)}
        seen: set[str] = set()
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while len(seen) < 2:
                async with aiohttp.request("GET", f"{service.base_url}/api/v1/health") as response:
                    assert response.status == 200
                    seen.add(response.headers["X-Request-Id"].partition("-")[0])


async def test_one_worker_is_the_process_itself(start_service: StartService, seeded_url: str) -> None:
    """No other process is started, and nothing else may listen on its port."""
    with start_service(seeded_url, WORKERS="1") as service:
        assert children(service.process.pid) == set()
        port = int(service.base_url.rpartition(":")[2])
        with contextlib.closing(socket.socket()) as second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with pytest.raises(OSError, match="in use"):
                second.bind(("127.0.0.1", port))


async def test_a_killed_worker_loses_nothing(start_service: StartService, books: Ledger, seeded_url: str) -> None:
    """kill -9 under load: the others answer, another is started, each request is posted once."""
    with start_service(seeded_url, WORKERS="2") as service:
        load = Load(service, books)
        running = asyncio.create_task(load.run())
        await until(lambda: len(load.answered) > 300, "the load runs")
        victim = workers_started(service)[0]
        os.kill(victim[1], signal.SIGKILL)
        answered_before = len(load.answered)
        await until(lambda: len(load.answered) > answered_before + 100, "the others answer")
        await until(lambda: len(workers_started(service)) == 3, "another is started")
        load.enough = True
        await running
        number, pid = workers_started(service)[-1]
        assert number == victim[0]
        assert pid != victim[1]
        assert load.retries > 0, "the kill was not noticed: it proves nothing"
        load.check(books)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_ends_it_gracefully(
    number: signal.Signals, start_service: StartService, books: Ledger, seeded_url: str
) -> None:
    """Exit code 0, all workers gone, every answer that was given is true."""
    with start_service(seeded_url, WORKERS="2") as service:
        load = Load(service, books)
        running = asyncio.create_task(load.run())
        await until(lambda: len(load.answered) > 200, "the load runs")
        service.send_signal(number)
        assert await asyncio.to_thread(service.wait) == 0
        load.enough = True
        await running
        assert not any(is_running(pid) for _, pid in workers_started(service))
        assert "Traceback" not in service.log.read_text()
    load.check(books, may_have_more=True)


async def test_what_is_in_flight_is_answered(
    start_service: StartService, books: Ledger, seeded_url: str, connect: Connect
) -> None:
    """SIGTERM while a posting waits in the database: no new connections, and the posting gets its 201."""
    with start_service(seeded_url, WORKERS="2") as service:
        load = Load(service, books, clients=1)
        with gate_held(connect(seeded_url)):
            running = asyncio.create_task(load.run())
            await until_waiting(books.connection, "wallet.posting_gate")
            load.enough = True
            service.send_signal(signal.SIGTERM)
            await until(lambda: not is_listening(service), "nobody listens any more")
            assert service.process.poll() is None
        assert await asyncio.to_thread(service.wait) == 0
        await running
    assert (len(load.answered), load.retries) == (1, 0)
    load.check(books)


async def test_workers_die_with_a_killed_parent(start_service: StartService, seeded_url: str, tmp_path: Path) -> None:
    """kill -9 of the parent: nothing stays behind, no folder of figures either, and the port is free."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with start_service(seeded_url, WORKERS="2", TMPDIR=str(temporary)) as service:
        assert len(list(temporary.iterdir())) == 1
        pids = [pid for _, pid in workers_started(service)]
        service.send_signal(signal.SIGKILL)
        service.wait()
        await until(lambda: not any(is_running(pid) for pid in pids), "the workers end")
        assert list(temporary.iterdir()) == []
        with contextlib.closing(socket.socket()) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", int(service.base_url.rpartition(":")[2])))


async def test_a_worker_that_dies_at_once_again_and_again(start_service: StartService, seeded_url: str) -> None:
    """The service gives up with exit code 1 and a sentence; the healthy worker is stopped too."""
    with start_service(seeded_url, WORKERS="2") as service:
        number, _ = workers_started(service)[0]
        killed: list[int] = []

        def alive() -> list[int]:
            return [pid for one, pid in workers_started(service) if one == number and pid not in killed]

        for _ in range(workers.QUICK_DEATHS_MAX):
            await until(lambda: bool(alive()), "another is started")
            killed += alive()
            os.kill(killed[-1], signal.SIGKILL)
        assert await asyncio.to_thread(service.wait) == 1
        log = service.log.read_text()
        assert f"Worker {number} died {workers.QUICK_DEATHS_MAX} times in a row just after its start: giving up." in log
        assert not any(is_running(pid) for _, pid in workers_started(service))


def test_a_port_in_use_is_refused(start_service: StartService, seeded_url: str, tmp_path: Path) -> None:
    """Sharing is among our workers: not with another service, alone or with workers of its own."""
    for count in ("1", "2"):
        with start_service(seeded_url, WORKERS=count) as service:
            port = service.base_url.rpartition(":")[2]
            done = run_wallet(tmp_path, "serve", "--workers", "2", DATABASE_URL=seeded_url, PORT=port)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == f"Port {port} on 127.0.0.1 is in use: set PORT to another one.\n"


def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, seeded_url: str, tmp_path: Path) -> None:
    """Its own sentence ends the service at the first start: here a port that was taken after it had been chosen."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(workers, "_reserved_port", lambda settings: contextlib.nullcontext(port))
        with pytest.raises(Failure, match=f"^Port {port} on 127.0.0.1 is in use: set PORT to another one.$"):
            workers.run_workers(Settings(data_dir=tmp_path, workers=2), seeded_url)


def test_the_embedded_database_is_shared_and_stopped(tmp_path: Path) -> None:
    """Without DATABASE_URL the parent runs PostgreSQL for its workers, and stops it after them."""
    with subprocess.Popen(
        wallet_command("serve", "--workers", "2"),
        cwd=tmp_path,
        env=wallet_environment(WALLET_DATA_DIR=str(tmp_path / "data"), PORT="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("Wallet answers on http://127.0.0.1:")
            assert len(children(process.pid)) == 3
        finally:
            process.terminate()
        assert process.wait(30) == 0
    assert not (tmp_path / "data" / "server.json").exists()


def test_without_a_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch, seeded_url: str, tmp_path: Path) -> None:
    """The workers keep their figures there: a sentence says what to do."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(Failure, match=r"^Several workers need a folder for temporary files \(No such .*\): set TMPDIR"):
        workers.run_workers(Settings(data_dir=tmp_path, workers=2, port=0), seeded_url)


def test_elsewhere_several_workers_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A clear sentence and exit code 2 where SO_REUSEPORT does not do it; one worker works anywhere."""
    monkeypatch.setattr(sys, "platform", "win32")
    settings = Settings(data_dir=tmp_path, workers=2)
    with pytest.raises(SettingFailure, match=r"^Several workers need Linux or macOS: set WORKERS to 1\.$") as raised:
        workers.require_workers_platform(settings)
    assert raised.value.exit_code == 2
    workers.require_workers_platform(Settings(data_dir=tmp_path, workers=1))


def test_the_setting(tmp_path: Path) -> None:
    """WORKERS is a whole number from 1 to 100, 1 unless set; --workers goes before it."""
    assert load_settings({}).workers == 1
    assert load_settings({"WORKERS": "4"}).workers == 4
    for wrong in ("0", "101", "-1", "two", "1.5"):
        with pytest.raises(SettingsError, match=r"^WORKERS must be a whole number from 1 to 100, not "):
            load_settings({"WORKERS": wrong})
    for arguments in (("--workers", "0"), ("--workers", "x"), ("--workers", "101")):
        assert run_wallet(tmp_path, "serve", *arguments).returncode == 2
