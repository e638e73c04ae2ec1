"""What the figures were taken on."""

import os
import platform
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from service.release import packaged_release

_PACKAGES = ("aiohttp", "msgspec", "psycopg", "psycopg-binary", "uvloop")


def machine(folder: Path) -> dict[str, str]:
    """Processor, cores, memory, kernel, and how long `folder`'s disk takes to make a block of 8 KiB durable."""
    return {
        "CPU": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "fsync": f"{fsync_ms(folder):.2f} ms",
    }


def versions() -> dict[str, str]:
    """Python, the libraries in use, and the release of the wallet's routines."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["routines"] = packaged_release().functions_sha256[:12]
    return found


def fsync_ms(folder: Path) -> float:
    """Median time in milliseconds to write 8 KiB at the end of a file and have them on the disk."""
    path, times = folder / "fsync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"\0" * 8192)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return statistics.median(times) * 1000


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        return answer.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system; a memory file system would make every commit free."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    above = {str(path) for path in (folder.resolve(), *folder.resolve().parents)}
    return max(((len(point), kind) for point, kind in mounts if point in above), default=(0, "unknown"))[1]
