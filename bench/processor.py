"""How much of the processor other programs used while something was measured.

A comparison is only worth something on a quiet machine: the service, PostgreSQL and the load share the cores, and a
server that does nothing needs fewer of them, so whoever takes a core away changes the ratios, not only the figures.
"""

import os
import time
from pathlib import Path

#: From this many cores on the figures are called disturbed.
DISTURBED_CORES = 0.15


class Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._start = _other_seconds()

    def other_cores(self) -> float | None:
        """How many cores, on average, programs other than ours used since then; None where /proc does not tell.

        What the hypervisor took for other machines counts as well.
        """
        now = _other_seconds()
        if now is None or self._start is None:
            return None
        return max(0.0, now - self._start) / (time.monotonic() - self._started_at)


def _other_seconds() -> float | None:
    """Processor seconds that others have used since the machine started."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        parents, ticks = _processes()
    except (OSError, ValueError):
        return None
    user, nice, system, _idle, _wait, interrupts, soft_interrupts, stolen = fields
    all_ticks = user + nice + system + interrupts + soft_interrupts + stolen
    return (all_ticks - sum(ticks[pid] for pid in _descendants(os.getpid(), parents))) / os.sysconf("SC_CLK_TCK")


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    """Per process its parent, and the ticks it and its ended children have used."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except OSError:  # it has just ended
                continue
            # The name before it is in brackets, and may hold anything.
            fields = text[text.rindex(")") + 2 :].split()
            parents[int(folder.name)] = int(fields[1])
            ticks[int(folder.name)] = sum(int(field) for field in fields[11:15])
    return parents, ticks


def _descendants(root: int, parents: dict[int, int]) -> set[int]:
    """The process and all below it."""
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found
