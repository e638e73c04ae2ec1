"""`python -m tests.support.other_server`: the folder of a system PostgreSQL of another major version, if there is one.

The SQL tests run once more on it (WALLET_TEST_PG_BIN), so that no release of PostgreSQL is supported by hearsay.
"""

import os
from pathlib import Path

from service.embedded.binaries import EmbeddedDatabaseError, major_version
from tests.support.server import server_user, test_programs

OLDEST_MAJOR_VERSION = 15


def other_programs() -> Path | None:
    """The folder with the programs of a supported major version other than the tests' own; None when there is none."""
    user = server_user()
    usual = major_version(test_programs(), user)
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        try:
            version = major_version(folder, user)
        except EmbeddedDatabaseError:
            continue
        if version >= OLDEST_MAJOR_VERSION and version != usual and os.access(folder / "initdb", os.X_OK):
            return folder
    return None


if __name__ == "__main__":
    print(other_programs() or "")
