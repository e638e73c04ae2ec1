"""Opening PostgreSQL's own terminal on the wallet's database."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


def run_psql(psql: Path, url: str, arguments: Sequence[str]) -> int:
    """Run `psql` on the database at `url` with further arguments; return its exit code.

    The password travels in the environment: the arguments of a process can be read by everybody on the
    machine.
    """
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    # psql lives on when Ctrl-C cancels a query, and so must we: the embedded server may be ours.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    return subprocess.call([psql, "--dbname", make_conninfo("", **parts), *arguments], env=environment)
