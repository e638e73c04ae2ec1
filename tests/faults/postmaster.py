"""A PostgreSQL server that faults are done to."""

import contextlib
import signal

import psutil

from tests.support.server import Server

_END_SECONDS = 30.0


class Postmaster(Server):
    """A server of its own that can be killed, started again, stopped in its tracks and let go.

    It syncs to disk, unlike the server the other tests share: a commit takes as long as it does in earnest.
    """

    def get_server_commandline(self) -> list[str]:
        """The usual, with fsync."""
        return [*super().get_server_commandline(), "-c", "fsync=on"]

    def cleanup(self) -> None:
        """Keep the data while the server may be started again; `stop` removes it."""
        if self._stopped_for_good:
            super().cleanup()

    _stopped_for_good = False

    def stop(self, _signal: signal.Signals = signal.SIGINT) -> None:
        """Stop it for good, however it is."""
        self.thaw()
        self._stopped_for_good = True
        super().stop(_signal)

    def kill(self) -> None:
        """kill -9 of the postmaster; returns when its backends have noticed and are gone."""
        backends = self._processes()[1:]
        self.terminate(signal.SIGKILL)
        _, alive = psutil.wait_procs(backends, _END_SECONDS)
        assert not alive, f"backends outlive their postmaster: {alive}"

    def restart(self, how: signal.Signals) -> None:
        """What `pg_ctl restart` does: SIGINT for `-m fast`, SIGQUIT for `-m immediate`; then a start."""
        self.terminate(how)
        self.start()

    def freeze(self) -> None:
        """SIGSTOP of the postmaster, then of every process it has: connections are taken by the kernel only."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """SIGCONT of what was stopped."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        """The postmaster, then its children."""
        if self.server_pid is None:
            return []
        postmaster = psutil.Process(self.server_pid)
        return [postmaster, *postmaster.children()]
