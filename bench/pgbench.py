"""Running pgbench and reading what it prints."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.measured import Measured, Unavailable

_ENVIRONMENT = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
_THREAD_COUNT_MAX = 2
_INITIALIZE_SECONDS_MAX = 180


def initialize(url: str, program: Path, scale: int) -> None:
    """Makes pgbench's own tables in a database, with 100,000 rows per unit of scale."""
    _run([str(program), "--initialize", "--quiet", f"--scale={scale}"], _environment(url, {}), _INITIALIZE_SECONDS_MAX)


def run(
    url: str,
    program: Path,
    options: Sequence[str],
    clients: int,
    seconds: int,
    session: Mapping[str, str],
    variables: Mapping[str, str | int],
) -> Measured:
    """Runs a script, or with no options pgbench's own, and gives its transactions.

    Args:
        url: the database.
        program: pgbench.
        options: the script and the protocol.
        clients: connections.
        seconds: length of the run.
        session: settings of the connections, `role` among them.
        variables: values for `:name` in the script.

    Raises:
        Unavailable: pgbench failed, or a client gave up because a statement failed.
    """
    command = [
        str(program),
        "--no-vacuum",
        f"--client={clients}",
        f"--jobs={min(clients, _THREAD_COUNT_MAX)}",
        f"--time={seconds}",
        *(f"--define={name}={value}" for name, value in variables.items()),
        *options,
    ]
    return read_result(_run(command, _environment(url, session), seconds + 60))


def read_result(output: str) -> Measured:
    """Reads what pgbench printed.

    Raises:
        Unavailable: a number is missing, or transactions failed.
    """
    count = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    if count is None or rate is None or float(rate[1]) == 0:
        raise Unavailable("pgbench printed no result.")
    if failed is not None and int(failed[1]) > 0:
        raise Unavailable(f"{failed[1]} transactions of pgbench failed.")
    return Measured(int(count[1]), int(count[1]) / float(rate[1]))


def _environment(url: str, session: Mapping[str, str]) -> dict[str, str]:
    # Not as arguments: they would show the password to everybody on the machine.
    parts = conninfo_to_dict(url)
    environment = {variable: str(parts[name]) for name, variable in _ENVIRONMENT.items() if name in parts}
    environment["PGOPTIONS"] = " ".join(f"-c {name}={value}" for name, value in session.items())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **environment, "LC_ALL": "C"}


def _run(command: Sequence[str], environment: Mapping[str, str], seconds_max: int) -> str:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=seconds_max
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable("pgbench did not end.") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["it said nothing"]
        raise Unavailable(f"pgbench failed: {lines[0]}.")
    return done.stdout
