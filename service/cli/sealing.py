"""Sealing closed days, and holding the ledger against its seals."""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from service.cli.failure import Failure

_LINE = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{1,18}) ([0-9a-f]{64})")

Row = dict[str, Any]


@dataclass(frozen=True)
class SealLine:
    """What is kept of a seal outside the database; its text is `2026-11-21 12 9f86d081…`."""

    day: datetime.date
    """The day, in UTC, up to which postings are sealed."""
    seal: int
    """The number of the seal, from 1."""
    sha256: str
    """The hash, as 64 hexadecimal digits."""

    def __str__(self) -> str:
        return f"{self.day} {self.seal} {self.sha256}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a line.

        Raises:
            ValueError: it is none.
        """
        found = _LINE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"not a line of `wallet seal`: {text.strip()!r}")
        return cls(datetime.date.fromisoformat(found[1]), int(found[2]), found[3])


@dataclass
class Verification:
    """What `verify` looked at and found."""

    seals: int = 0
    rows: int = 0
    number_to: int = 0
    """The last posting number that is sealed."""
    problems: int = 0


def kept_lines(against: str) -> list[SealLine]:
    """Read the lines that were kept outside: one line, or a file of them. Empty lines and those with # are passed over.

    Raises:
        click.BadParameter: the file cannot be read, has no line, or a line is none.
    """
    try:
        return [SealLine.parse(against)]
    except ValueError:
        pass
    try:
        text = Path(against).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.BadParameter(f"{against!r} is no line of `wallet seal`, and no file to read: {reason}.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise click.BadParameter(f"{against} has no line of `wallet seal` in it.")
    try:
        return [SealLine.parse(line) for line in lines]
    except ValueError as error:
        raise click.BadParameter(f"{against}: {error}.") from error


def seal_closed_days(url: str, console: Console, keep: Callable[[SealLine], None]) -> int:
    """Seal every closed day that is not sealed yet, each in its own transaction; return how many seals were made.

    Args:
        url: the database.
        console: for the progress bar.
        keep: gets each line before its seal is committed: when it raises, the seal is not made.

    Raises:
        psycopg.errors.LockNotAvailable: a transaction that posts has been open for too long.
        psycopg.Error: the database is away or refuses.
    """
    count = 0
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True, row_factory=dict_row) as connection:
        # A login may have another level; at those a snapshot can be older than the end of a posting.
        connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
        settled = connection.execute("SELECT wallet.settled_number() AS number").fetchone() or {}
        plan = connection.execute("SELECT day, number_to FROM wallet.seal_plan(%s)", [settled["number"]]).fetchall()
        with _progress(console) as progress:
            task = progress.add_task("sealing", total=len(plan))
            for step in plan:
                progress.update(task, description=f"sealing {step['day']}")
                with connection.transaction():
                    made = connection.execute(
                        "SELECT day, seal, sha256 FROM wallet.seal_range(%s, %s)", [step["day"], step["number_to"]]
                    ).fetchone()
                    # Another process may have sealed it meanwhile.
                    if made is not None:
                        keep(SealLine(**made))
                        count += 1
                progress.advance(task)
    return count


def verify(url: str, kept: Sequence[SealLine], since: datetime.date | None, console: Console) -> Verification:
    """Hold the ledger against its seals, and the seals against the lines kept outside; print each difference.

    Args:
        url: the database.
        kept: the lines kept outside.
        since: leave out the rows of seals of days before; every kept line is compared all the same.
        console: for the progress bar.

    Raises:
        Failure: nothing is sealed, or nothing of that day or later.
        psycopg.Error: the database is away or refuses.
    """
    verification = Verification()
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True, row_factory=dict_row) as connection:
        seals = {
            row["seal"]: row
            for row in connection.execute("SELECT seal, day, number_to, row_count, sha256 FROM wallet.list_seals()")
        }
        if not seals and not kept:
            raise Failure("Nothing is sealed: `wallet seal` seals the days that are over.")
        with _progress(console) as progress:
            for sentence in _differing_lines(seals, kept):
                _report(verification, sentence)
            # The numbers have no gap, so one that is not there was removed.
            numbers = [n for n in range(1, max(seals, default=0) + 1) if _is_since(seals.get(n), since)]
            task = progress.add_task("verifying", total=len(numbers))
            for number in numbers:
                day = seals[number]["day"] if number in seals else "?"
                progress.update(task, description=f"verifying {day}")
                for problem in connection.execute("SELECT * FROM wallet.verify_seal(%s)", [number]):
                    _report(verification, f"seal {number} ({day}): {_sentence(problem)}")
                verification.seals += 1
                verification.rows += seals[number]["row_count"] if number in seals else 0
                progress.advance(task)
        verification.number_to = max((row["number_to"] for row in seals.values()), default=0)
    if not verification.seals and not verification.problems:
        raise Failure(f"Nothing was verified: no seal is of {since} or later.")
    return verification


def _differing_lines(seals: Mapping[int, Row], kept: Sequence[SealLine]) -> Iterator[str]:
    for line in kept:
        stored = seals.get(line.seal)
        if stored is None:
            yield f"seal {line.seal} ({line.day}): is not there, but its line was kept"
        elif SealLine(stored["day"], line.seal, stored["sha256"]) != line:
            yield f"seal {line.seal} ({line.day}): is another one than the line that was kept"


def _is_since(seal: Row | None, since: datetime.date | None) -> bool:
    return seal is None or since is None or seal["day"] >= since


def _sentence(problem: Row) -> str:
    what = problem["object"]
    if what == "seal":
        return "is not as it was made" if problem["problem"] == "edited" else "was deleted"
    if what == "block":
        return f"a row of the block at number {problem['transaction_number']} is not as it was sealed"
    name = f"transaction number {problem['transaction_number']}"
    if what == "hold":
        name = f"the hold with number {problem['transaction_number']}"
    elif what == "entry":
        name = f"entry {problem['leg']} of {name}"
    elif what == "account":
        name = f"the account of entry {problem['leg']} of {name}"
    ids = [
        f"{label} {problem[column]}"
        for label, column in (("transaction", "transaction_id"), ("account", "account_id"), ("version", "version"))
        if problem[column] is not None
    ]
    verb = "changed places with another" if problem["problem"] == "swapped" else f"was {problem['problem']}"
    return f"{name} {verb}" + (f" ({', '.join(ids)})" if ids else "")


def _report(verification: Verification, sentence: str) -> None:
    verification.problems += 1
    click.echo(sentence)


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
