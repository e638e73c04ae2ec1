"""PostgreSQL servers that a test may kill, promote, fill up and restore: each in a folder and on a port of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import psycopg

from service.embedded.binaries import credentials, environment
from tests.support.database import Connection
from tests.support.server import server_user, test_programs

_START_SECONDS = 60.0
_COMMAND_SECONDS = 120.0
_POLL_SECONDS = 0.02

# In the data folder, so that a copy of it has them too. A kill takes processes away and not the machine: what was
# written is there without a flush.
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
timezone = 'UTC'
max_connections = 100
shared_buffers = '32MB'
min_wal_size = '2MB'
max_wal_size = '128MB'
fsync = off
"""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """Make a folder that the server's account can use, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="wallet-recovery-"))
    try:
        give_to_server(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give_to_server(path: Path) -> None:
    """Make the account the servers run under the owner of a file or folder."""
    user = server_user()
    if user is not None:
        os.chown(path, user.uid, user.gid)


def run_as_server(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a program under the servers' account, PostgreSQL's programs first on its path; return what it prints.

    Raises:
        AssertionError: it fails.
    """
    path = f"{test_programs()}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(), "PATH": path, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
        **credentials(server_user()),
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


class Cluster:
    """One PostgreSQL server.

    Args:
        data: the data folder; it need not be there yet.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.log = data.with_name(f"{data.name}.log")
        self._environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def initialize(self, *arguments: str) -> None:
        """Make the data folder, with further arguments of initdb's."""
        usual = ("-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1")
        run_as_server(["initdb", "-D", str(self.data), *usual, *arguments], self.data.parent)
        self.configure(_SETTINGS)

    def configure(self, settings: str) -> None:
        """Add lines to its postgresql.conf; they count from its next start on."""
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(f"{settings}\n")

    def preload(self, library: Path, **variables: str) -> None:
        """Let its processes load a library first, which reads the variables, from the next start on."""
        self._environment = {"LD_PRELOAD": str(library), **variables}

    def copy_of(self, other: Path) -> None:
        """Make the data folder a copy of a stopped server's."""
        run_as_server(["cp", "-a", str(other), str(self.data)], self.data.parent)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.launch()
        self.until_ready()

    def launch(self) -> None:
        """Start it and wait for nothing."""
        assert self.has_ended(), "it runs"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [test_programs() / "postgres", "-D", str(self.data), f"-p{self.port}"],
                cwd="/",
                env={**environment(), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **credentials(server_user()),
            )

    def until_ready(self) -> None:
        """Wait until it takes connections; fail when it ends instead."""
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            assert not self.has_ended(), f"the server ended: {self.log_end()}"
            assert time.monotonic() < deadline, f"the server does not answer: {self.log_end()}"
            time.sleep(_POLL_SECONDS)

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL the whole server at once: no process of it has a last word."""
        assert self._process is not None
        # The backends are in sessions of their own, so they are found by their parent.
        postmaster = psutil.Process(self._process.pid)
        postmaster.suspend()
        children = postmaster.children(recursive=True)
        for process in (postmaster, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=_COMMAND_SECONDS)

    def stop(self) -> None:
        """Stop it fast, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def has_ended(self) -> bool:
        """Whether the postmaster has ended."""
        return self._process is None or self._process.poll() is not None

    def promote(self) -> None:
        """Make a standby the primary."""
        with self.connect() as connection:
            assert connection.execute("SELECT pg_promote(TRUE, 60)").fetchone() == (True,)

    def url(self, database: str = "postgres") -> str:
        """The superuser's URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @contextlib.contextmanager
    def connect(self, database: str = "postgres") -> Iterator[Connection]:
        """The superuser's autocommit connection."""
        with contextlib.closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            yield connection

    def log_end(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
