"""Running the checks of `wallet.doctor_checks()` one by one, in one snapshot, and noting a run that finds nothing."""

from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

#: A check and what it found: check_name, severity, problems, meaning, remedy, example.
Check = dict[str, Any]

_CHECKS: Final = "SELECT check_name, severity, scope, meaning, remedy FROM wallet.doctor_checks()"

_UNNOTED: Final = "The run is not noted as the beginning of quick ones"

_MAY_RECORD: Final = """
    SELECT
        has_function_privilege('wallet.record_clean_run(bigint)', 'EXECUTE')
        AND NOT pg_is_in_recovery() AS may_record
"""


def run_doctor(url: str, quick: bool, console: Console) -> list[Check]:
    """Run every check over everything, or those that can over what was posted since the last clean full run.

    A full run that finds nothing is noted, when the login may. Postings go on meanwhile.

    Args:
        url: the database.
        quick: leave out what a full run has checked before; without such a run it is a full one.
        console: for the progress bar and for what is said beside the result.

    Raises:
        psycopg.Error: the database is away or refuses.
    """
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True, row_factory=dict_row) as connection:
        clean_point = _clean_point(connection, console) if quick else None
        # Before the snapshot: what has ended by now, the snapshot sees.
        settled_number = _settled_number(connection, console) if clean_point is None else None
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        checks = _run(connection, clean_point, console)
        connection.execute("COMMIT")
        if settled_number is not None and not any(check["problems"] for check in checks):
            _note(connection, settled_number, console)
    return checks


def _clean_point(connection: psycopg.Connection[Check], console: Console) -> Check | None:
    point = connection.execute("SELECT number, since_id, checked_at FROM wallet.clean_point()").fetchone()
    if point is None or point["number"] is None:
        _say(console, "No clean full run is on record, so everything is checked.")
        return None
    _say(console, f"Checking what was posted after number {point['number']:,}, clean at {point['checked_at']:%F %T%z}.")
    return point


def _settled_number(connection: psycopg.Connection[Check], console: Console) -> int | None:
    """Return the number up to which the run will have checked everything; None: the run is not to be noted."""
    row = connection.execute(_MAY_RECORD).fetchone()
    if row is None or not row["may_record"]:
        return None
    try:
        row = connection.execute("SELECT wallet.settled_number() AS number").fetchone()
    except psycopg.errors.LockNotAvailable as error:
        _say(console, f"{error.diag.message_primary} {_UNNOTED}.")
        return None
    return None if row is None else int(row["number"])


def _note(connection: psycopg.Connection[Check], settled_number: int, console: Console) -> None:
    try:
        connection.execute("SELECT wallet.record_clean_run(%s)", [settled_number])
    except psycopg.Error as error:
        reason = (error.diag.message_primary or str(error).strip()).rstrip(".")
        _say(console, f"{_UNNOTED} ({reason}).")


def _run(connection: psycopg.Connection[Check], clean_point: Check | None, console: Console) -> list[Check]:
    checks = connection.execute(_CHECKS).fetchall()
    since_id = None if clean_point is None else clean_point["since_id"]
    if since_id is not None:
        checks = [check for check in checks if check["scope"] != "whole"]
    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task("", total=len(checks))
        for check in checks:
            progress.update(task, description=check["check_name"])
            arguments = [check["check_name"]] if since_id is None else [check["check_name"], since_id]
            call = (
                "SELECT problems, example FROM wallet.run_check(%s)"
                if since_id is None
                else ("SELECT problems, example FROM wallet.run_check(%s, %s)")
            )
            check |= connection.execute(call, arguments).fetchone() or {}
            del check["scope"]
            progress.advance(task)
    return checks


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
