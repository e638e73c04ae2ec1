"""A file system that a test can fill: a real one when it may be mounted, else one that PostgreSQL is told is full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.recovery.cluster import Cluster, give_to_server, run_as_server
from tests.recovery.preloading import compiled

_SIZE_BYTES = 256 * 1024 * 1024
_BLOCK = bytes(64 * 1024)


class SmallDisk:
    """The disk below one folder of a server's data."""

    def fill(self) -> None:
        """Leave no space."""
        raise NotImplementedError

    def free(self) -> None:
        """Give the space back."""
        raise NotImplementedError


class MountedDisk(SmallDisk):
    """A file system in memory, filled by a file of no use."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(_BLOCK):
                pass

    def free(self) -> None:
        self._ballast.unlink()


class PretendedDisk(SmallDisk):
    """A library in PostgreSQL's processes refuses to let files grow."""

    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def fill(self) -> None:
        self._flag.touch()

    def free(self) -> None:
        self._flag.unlink()


@contextlib.contextmanager
def small_disk(cluster: Cluster, part: str, pretend: bool) -> Iterator[SmallDisk]:
    """Put a folder of a stopped server's data on a disk that can be filled.

    Args:
        cluster: stopped, and stopped again before the end.
        part: the folder's name, as base or pg_wal.
        pretend: whether not to mount.
    """
    folder = cluster.data / part
    if pretend:
        flag = cluster.data.with_name("disk-is-full")
        cluster.preload(
            compiled("full_disk", cluster.data.parent), FULL_DISK_FLAG=str(flag), FULL_DISK_FOLDER=str(folder)
        )
        yield PretendedDisk(flag)
        return
    kept = cluster.data.with_name(f"{part}.kept")
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    mount(folder)
    try:
        give_to_server(folder)
        folder.chmod(0o700)
        run_as_server(["cp", "-a", f"{kept}/.", str(folder)], cluster.data.parent)
        yield MountedDisk(folder)
        cluster.stop()
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def mount(folder: Path) -> None:
    """Mount a small file system in memory.

    Raises:
        subprocess.CalledProcessError: it may not be mounted.
    """
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE_BYTES}", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def can_mount(folder: Path) -> bool:
    """Whether a file system may be mounted here; tried on a folder."""
    if os.getuid() != 0:
        return False
    try:
        mount(folder)
    except (OSError, subprocess.CalledProcessError):
        return False
    subprocess.run(["umount", folder], check=True)
    return True
