"""Libraries that are loaded into PostgreSQL to change what the operating system tells it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.recovery.cluster import give_to_server


def has_compiler() -> bool:
    """Whether such a library can be made here."""
    return shutil.which("cc") is not None


def compiled(name: str, folder: Path) -> Path:
    """Compile NAME.c beside this file, for the servers' account; without a compiler the test is skipped."""
    if not has_compiler():
        pytest.skip("there is no C compiler (cc) here")
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    give_to_server(library)
    return library
