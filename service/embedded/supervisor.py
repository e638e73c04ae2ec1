"""The process that keeps the embedded PostgreSQL running as long as the wallet process that started it lives.

It is started by `service.embedded.server` and talks to it through two pipes:

- its standard input is held open by the wallet process and never written to. When it ends, the wallet process
  is gone, in whatever way, and the server is stopped;
- on its standard output it writes one line of JSON, when the server takes connections for the first time
  (`{"port": …}`) or when it never will (`{"error": …}`).

A server that dies is started again. It has a session of its own, so that Ctrl-C at the terminal reaches the
wallet process only, and leaves SIGTERM aside for the same reason: whoever ends a whole group of processes
wants the wallet process to finish its postings first.
"""

import argparse
import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from service.embedded.binaries import ServerUser, credentials, environment
from service.embedded.folder import (
    FAST_SHUTDOWN_SECONDS,
    IMMEDIATE_SHUTDOWN_SECONDS,
    DataFolder,
    reachable_directory,
    read_postmaster_pid,
    stop_leftover_server,
)

_FIRST_START_SECONDS = 20.0
_LOCK_SECONDS = 30.0
_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_LOG_LIMIT_BYTES = 16 * 1024 * 1024


class Supervisor:
    """Runs one PostgreSQL server in one folder until its standard input ends."""

    def __init__(self, folder: DataFolder, programs: Path, user: ServerUser | None) -> None:
        """Prepare to run the programs of the folder `programs` as `user` (None: as we are)."""
        self._folder = folder
        self._programs = programs
        self._user = user
        self._announced = False
        self._child_changed, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, lambda number, frame: None)

    def run(self) -> int:
        """Keep the server running until the standard input ends or no start works; return the exit code."""
        with self._folder.supervisor_lock.open("w") as lock:
            self._folder.give_to_owner(self._folder.supervisor_lock)
            if not self._take(lock.fileno()):
                return self._give_up("the supervisor of an earlier run has not ended yet")
            if not stop_leftover_server(self._folder.pgdata):
                return self._give_up("the server of an earlier run would not stop")
            self._folder.server.unlink(missing_ok=True)
            try:
                return self._keep_running()
            finally:
                self._folder.server.unlink(missing_ok=True)

    def _keep_running(self) -> int:
        give_up_at = time.monotonic() + _FIRST_START_SECONDS
        pause_seconds = _SHORTEST_PAUSE_SECONDS
        port = _free_port()
        while True:
            started_at = time.monotonic()
            if self._run_once(port):
                return 0
            self._folder.server.unlink(missing_ok=True)
            if not self._announced:
                if time.monotonic() > give_up_at:
                    return self._give_up(f"it does not start, see {self._folder.log}: {self._last_fatal_line()}")
                # Until somebody knows the port it may change: another program may have taken it meanwhile.
                port = _free_port()
            if time.monotonic() - started_at > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _SHORTEST_PAUSE_SECONDS
            # The backends of a killed server hold its shared memory until they notice, so the first tries may
            # fail.
            if self._input_ended_within(pause_seconds):
                return 0
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _run_once(self, port: int) -> bool:
        """Start the server; wait until it dies (False) or the standard input ends (True: it is stopped)."""
        try:
            process = self._start(port)
        except OSError as error:
            print(f"PostgreSQL could not be started: {error}", file=sys.stderr, flush=True)
            return False
        try:
            ready = False
            while process.poll() is None:
                if not ready and read_postmaster_pid(self._folder.pgdata) == (process.pid, True):
                    ready = True
                    self._write_server_file(port, process.pid)
                    if not self._announced:
                        self._announce({"port": port})
                if self._input_ended(None if ready else 0.02):
                    return True
            return False
        finally:
            if process.poll() is None:
                self._stop(process)

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        log = self._folder.log
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with (
            log.open("ab") as output,
            reachable_directory(self._folder.pgdata, self._user) as (directory, descriptors),
        ):
            self._folder.give_to_owner(log)
            return subprocess.Popen(
                [
                    self._programs / "postgres",
                    *("-D", directory),
                    *("-c", f"port={port}"),
                    *("-c", "listen_addresses=127.0.0.1"),
                    # Nobody needs the socket, and its usual folder may be missing or not writable.
                    *("-c", "unix_socket_directories="),
                ],
                cwd="/",
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(),
                umask=0o077,
                **credentials(self._user),
            )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        for number, seconds in (
            (signal.SIGINT, FAST_SHUTDOWN_SECONDS),
            # What was committed is safe: the next start replays it.
            (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS),
        ):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
        process.kill()
        process.wait()

    def _input_ended(self, seconds: float | None) -> bool:
        """Wait until a child ends, the standard input ends or the time is up; say whether the input ended."""
        readable, _, _ = select.select([sys.stdin.fileno(), self._child_changed], [], [], seconds)
        if self._child_changed in readable:
            os.read(self._child_changed, 4096)
        return sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096)

    def _input_ended_within(self, seconds: float) -> bool:
        """Like `_input_ended`, but a child's end does not cut the wait short."""
        ends_at = time.monotonic() + seconds
        while (left_seconds := ends_at - time.monotonic()) > 0:
            if self._input_ended(left_seconds):
                return True
        return False

    def _take(self, lock: int) -> bool:
        deadline = time.monotonic() + _LOCK_SECONDS
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if self._input_ended(0.05):
                    return False
        return False

    def _write_server_file(self, port: int, pid: int) -> None:
        draft = self._folder.server.with_suffix(".json.new")
        draft.write_text(json.dumps({"port": port, "pid": pid}) + "\n")
        self._folder.give_to_owner(draft)
        draft.replace(self._folder.server)

    def _announce(self, message: dict[str, object]) -> None:
        self._announced = True
        # Nobody listens any more when the wallet process was killed meanwhile: the end of the input tells.
        with contextlib.suppress(BrokenPipeError):
            os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")

    def _give_up(self, sentence: str) -> int:
        self._announce({"error": sentence})
        return 1

    def _last_fatal_line(self) -> str:
        with contextlib.suppress(OSError):
            with self._folder.log.open("rb") as log:
                log.seek(max(0, self._folder.log.stat().st_size - 8192))
                lines = log.read().decode(errors="replace").splitlines()
            for line in reversed(lines):
                for level in ("FATAL:", "PANIC:"):
                    if level in line:
                        return line.partition(level)[2].strip()
            return lines[-1].strip() if lines else "it says nothing"
        return "its log cannot be read"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run the supervisor with the arguments `service.embedded.server` gives it; return the exit code."""
    parser = argparse.ArgumentParser(description="Keeps the wallet's embedded PostgreSQL running; started by `wallet`.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--programs", type=Path, required=True, help="the folder with the program postgres")
    parser.add_argument("--user", nargs=3, metavar=("NAME", "UID", "GID"), help="the account to run postgres under")
    arguments = parser.parse_args()
    user = None
    if arguments.user:
        name, uid, gid = arguments.user
        user = ServerUser(name, int(uid), int(gid))
    return Supervisor(DataFolder(arguments.data), arguments.programs, user).run()


if __name__ == "__main__":
    sys.exit(main())
