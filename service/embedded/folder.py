"""The files of the embedded PostgreSQL's data folder, and ending a server that was left running on it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.embedded.binaries import ServerUser

FAST_SHUTDOWN_SECONDS = 7.0
"""How long a server may take to write everything out before it is stopped without."""
IMMEDIATE_SHUTDOWN_SECONDS = 2.0
"""How long a server may take to end at once."""


@dataclass(frozen=True)
class DataFolder:
    """The files in the folder of the embedded server."""

    path: Path

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "pgdata"

    @property
    def log(self) -> Path:
        """What the server writes to its standard error."""
        return self.path / "postgres.log"

    @property
    def password(self) -> Path:
        """The password of the database user `wallet`."""
        return self.path / "password"

    @property
    def server(self) -> Path:
        """JSON with the port and the process id of the running server; absent when none runs."""
        return self.path / "server.json"

    @property
    def wallet_lock(self) -> Path:
        """Locked by the wallet process that started the server."""
        return self.path / "lock"

    @property
    def supervisor_lock(self) -> Path:
        """Locked by the supervisor, which may outlive a killed wallet process by some seconds."""
        return self.path / "supervisor.lock"

    def give_to_owner(self, path: Path) -> None:
        """Let a file that root made belong to the owner of the folder, who may start the wallet next."""
        if os.getuid() == 0:
            owner = self.path.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextlib.contextmanager
def reachable_directory(pgdata: Path, user: ServerUser | None) -> Iterator[tuple[str, list[int]]]:
    """Yield what to give PostgreSQL's programs as `-D`, and the file descriptors they have to inherit for it.

    Another user than root may be unable to walk to the data directory (below /root, say), and PostgreSQL
    insists on an absolute path. On Linux an inherited descriptor has one that does not lead through the
    folders above.
    """
    if user is None or not os.path.isdir("/proc/self/fd"):
        yield str(pgdata), []
        return
    descriptor = os.open(pgdata, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", [descriptor]
    finally:
        os.close(descriptor)


def read_postmaster_pid(pgdata: Path) -> tuple[int, bool] | None:
    """Return the process id in `postmaster.pid` and whether that server takes connections, if any."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), len(lines) > 7 and lines[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return None


def stop_leftover_server(pgdata: Path) -> bool:
    """Stop a server of an earlier run that nobody looks after any more.

    Returns:
        True when none is left, False when it would not end.
    """
    for number, seconds in (
        (signal.SIGINT, FAST_SHUTDOWN_SECONDS),
        (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS),
        (signal.SIGKILL, IMMEDIATE_SHUTDOWN_SECONDS),
    ):
        found = read_postmaster_pid(pgdata)
        if found is None or not _is_server_of(found[0], pgdata):
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(found[0], number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_server_of(found[0], pgdata):
                return True
            time.sleep(0.05)
    return False


def _is_server_of(pid: int, pgdata: Path) -> bool:
    """Say whether the process is a server on this folder: after a reboot the number may belong to anybody."""
    if pid <= 0:
        return False
    if os.path.isdir("/proc/self"):
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", pgdata)
        except OSError:
            return False
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return str(pgdata) in shown.stdout
