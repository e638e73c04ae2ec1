"""The real `wallet` command as a child process."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.resources import PACKAGE_FOLDER

_ANSWERS = re.compile(r"Wallet answers on (http://\S+)/api/v1 ")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


def wallet_command(*arguments: str) -> list[str]:
    """Return the command line of `wallet` with these arguments, from this checkout."""
    return [sys.executable, "-c", "from service.cli import main; main()", *arguments]


def wallet_environment(**variables: str) -> dict[str, str]:
    """Return an environment for `wallet` that holds no setting but the given ones."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(PACKAGE_FOLDER.parent), **variables}


def run_wallet(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a `wallet` command to its end in `folder`, with the variables as its only settings."""
    return subprocess.run(
        wallet_command(*arguments),
        cwd=folder,
        env=wallet_environment(**variables),
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )


class ServiceProcess:
    """A running `wallet serve`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.log = folder / "wallet.log"
        """Everything it writes to standard error."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                wallet_command("serve"),
                cwd=folder,
                env=wallet_environment(**environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.base_url = self._wait_until_it_answers()
        """Its root, as http://127.0.0.1:PORT."""

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        return self.process.wait(_STOP_SECONDS)

    def stop(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _wait_until_it_answers(self) -> str:
        assert self.process.stdout is not None
        # The line is awaited without a limit of its own; a process that hangs is killed, which ends the wait.
        watchdog = threading.Timer(_START_SECONDS, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                found = _ANSWERS.match(line)
                if found:
                    return found[1]
        finally:
            watchdog.cancel()
        exit_code = self.process.wait()
        self.process.stdout.close()
        raise RuntimeError(f"wallet serve ended with {exit_code}: {self.log.read_text()}")


@contextlib.contextmanager
def service_running(folder: Path, database_url: str, **variables: str) -> Iterator[ServiceProcess]:
    """Run `wallet serve` on a database and a free port; stop it at the end."""
    service = ServiceProcess(folder, {"DATABASE_URL": database_url, "HOST": "127.0.0.1", "PORT": "0", **variables})
    try:
        yield service
    finally:
        service.stop()
