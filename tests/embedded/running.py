"""`wallet serve` without DATABASE_URL, the processes that come with it, and a client that waits for its answers."""

import contextlib
import functools
import itertools
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg

from service.embedded.binaries import ServerUser, credentials
from tests.support.process import ServiceProcess, run_wallet, wallet_command, wallet_environment

_DEADLINE_SECONDS = 30.0
_POLL_SECONDS = 0.02
_KEYS = itertools.count(1)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds; fail when it never does."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class Answer:
    """What the service answered."""

    status: int
    body: Any
    replayed: bool


class EmbeddedService(ServiceProcess):
    """A running `wallet serve` on a data folder."""

    def __init__(self, data: Path, account: "Account | None" = None, **variables: str) -> None:
        """Start it, under another account if one is given."""
        self.data = data
        settings = {"PORT": "0", "WALLET_DATA_DIR": str(data), **variables}
        if account is None:
            super().__init__(data.parent, settings)
            return
        self.log = data.parent / "wallet.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                account.command("serve"),
                cwd=data.parent,
                env=account.environment(data.parent, **settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                **credentials(account.user),
            )
        self.base_url = self._wait_until_it_answers()

    @property
    def supervisor(self) -> psutil.Process:
        """The process that looks after the server."""
        (found,) = psutil.Process(self.process.pid).children()
        assert "service.embedded.supervisor" in found.cmdline()
        return found

    @property
    def server(self) -> psutil.Process:
        """PostgreSQL's first process."""
        return psutil.Process(json.loads((self.data / "server.json").read_text())["pid"])

    @functools.cached_property
    def url(self) -> str:
        """The database's URL, as `wallet url` says it: the same for as long as the service runs."""
        return self.run("url").stdout.strip()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `wallet` command on the same data folder; it has to succeed."""
        done = run_wallet(self.data.parent, *arguments, WALLET_DATA_DIR=str(self.data))
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done
        return done

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """Send a request to an endpoint below /api/v1."""
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        request = urllib.request.Request(
            f"{self.base_url}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return _answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal.code, refusal.read(), refusal.headers)

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """Send a request, again as long as the answer is 503, as a client is told to."""
        answers: list[Answer] = []

        def is_answered() -> bool:
            answers.append(self.call(method, path, body, key))
            return answers[-1].status != 503

        until(is_answered, f"{method} {path} is answered")
        return answers[-1]

    def wallet(self) -> "Wallet":
        """Open a wallet."""
        asset = self.ask("GET", "/asset-types").body["data"][0]["id"]
        body = {"name": "Somebody", "assetTypeId": asset}
        answer = self.ask("POST", "/accounts", body)
        assert answer.status == 201, answer
        return Wallet(answer.body["data"]["id"], asset)

    def top_up(self, wallet: "Wallet", amount: str, key: str) -> Answer:
        """Top a wallet up."""
        body = {"accountId": wallet.id, "assetTypeId": wallet.asset, "amount": amount}
        return self.ask("POST", "/transactions/top-up", body, key)

    def balance(self, wallet: "Wallet") -> Decimal:
        """The balance as the service tells it."""
        return Decimal(self.ask("GET", f"/accounts/{wallet.id}/balance").body["data"]["balance"])


@dataclass(frozen=True)
class Wallet:
    """A wallet and its asset."""

    id: str
    asset: str


def new_key() -> str:
    """Give an idempotency key that was not used before."""
    return f"embedded-{next(_KEYS)}"


def _answer(status: int, body: bytes, headers: Any) -> Answer:
    return Answer(status, json.loads(body, parse_float=Decimal), headers["Idempotency-Replayed"] == "true")


@dataclass(frozen=True)
class Account:
    """Another account than the tests', with a Python it can run the wallet with."""

    user: ServerUser
    python: str

    def command(self, *arguments: str) -> list[str]:
        """Give the command line of `wallet` with these arguments."""
        return [self.python, *wallet_command(*arguments)[1:]]

    def environment(self, home: Path, **variables: str) -> dict[str, str]:
        """Give an environment without settings but the given ones; another Python is told the way to the packages."""
        packages = Path(psycopg.__file__).parent.parent
        found = wallet_environment(HOME=str(home), **variables)
        return {**found, "PYTHONPATH": f"{found['PYTHONPATH']}{os.pathsep}{packages}"}

    def can_run_the_wallet(self) -> bool:
        """Whether it can: Python or the checkout may be where only root may go."""
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [self.python, "-c", "import service.cli.commands, service.cli.serve"],
                cwd="/",
                env=self.environment(Path("/")),
                capture_output=True,
                check=False,
                **credentials(self.user),
            )
            return done.returncode == 0
        return False


@contextlib.contextmanager
def started(data: Path, account: Account | None = None, **variables: str) -> Iterator[EmbeddedService]:
    """Run `wallet serve` on a data folder; stop it at the end, however it is, and leave no server behind."""
    try:
        service = EmbeddedService(data, account, **variables)
        try:
            yield service
        finally:
            service.stop()
    finally:
        kill_all(users_of(data))


def users_of(data: Path) -> list[psutil.Process]:
    """Give the processes that work in the data folder or were started with its name; dead ones are none."""
    found = []
    for process in psutil.process_iter():
        # Another account's process, or one that has just ended.
        with contextlib.suppress(psutil.Error):
            inside = Path(process.cwd()).is_relative_to(data)
            named = any(str(data) in argument for argument in process.cmdline())
            if (inside or named) and is_alive(process):
                found.append(process)
    return found


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs: one that has ended and that nobody has asked about since does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill the processes; they are a test's own."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    until(lambda: not any(map(is_alive, processes)), "the killed end")


def one(url: str, query: str) -> Any:
    """Give the one value of a query."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
