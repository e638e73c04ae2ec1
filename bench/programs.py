"""The two HTTP servers as child processes: the wallet, and the one that does nothing."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measured import Unavailable
from service.resources import PACKAGE_FOLDER

_ANSWERS = re.compile(r"answers on (http://[^\s/]+)")
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Program:
    """A running HTTP server."""

    base_url: str
    """Its root, as http://127.0.0.1:PORT."""
    pid: int
    """Its process id."""

    def resident_mb(self) -> float:
        """The memory it holds, in megabytes."""
        command = ["ps", "-o", "rss=", "-p", str(self.pid)]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        except FileNotFoundError as error:
            raise Unavailable("There is no `ps` to ask for the size of a process.") from error
        return int(answer.stdout) / 1024


def wallet(folder: Path, database_url: str, **variables: str) -> contextlib.AbstractContextManager[Program]:
    """Runs `wallet serve` on a database and a free port, with these settings besides; stops it at the end."""
    settings = {"DATABASE_URL": database_url, "HOST": "127.0.0.1", "PORT": "0", "LOG_LEVEL": "WARNING", **variables}
    return _running(folder, ["-c", "from service.cli import main; main()", "serve"], settings)


def noop(folder: Path, body_size_bytes: int) -> contextlib.AbstractContextManager[Program]:
    """Runs the server that does nothing; stops it at the end."""
    return _running(folder, ["-m", "bench.noop", str(body_size_bytes)], {})


@contextlib.contextmanager
def _running(folder: Path, arguments: Sequence[str], settings: Mapping[str, str]) -> Iterator[Program]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(PACKAGE_FOLDER.parent), **settings}
    log_path = folder / "program.log"
    with log_path.open("wb") as log:
        # In the temporary folder: a .env of the checkout is not for the bench.
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        yield Program(_base_url(process, log_path), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _base_url(process: subprocess.Popen[str], log_path: Path) -> str:
    assert process.stdout is not None
    # Killing a process that hangs ends the wait for its line.
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            found = _ANSWERS.search(line)
            if found:
                return found[1]
    finally:
        watchdog.cancel()
    said = log_path.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    raise Unavailable(f"A server did not start: {said[-1]}")
