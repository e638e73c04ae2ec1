"""What every case works with: the sizes of the run, the server, and measuring sides in turn."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.progress import Progress, TaskID

from bench import programs
from bench.programs import Program
from bench.report import Question
from bench.server import Database, Server

Result = TypeVar("Result")

#: Connections of the HTTP load, unless a case is about their number.
CONNECTIONS = 64

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int
    """How often each side of a case is measured."""
    seconds: int
    """Length of one measurement."""
    filled_transactions: int
    """Postings in the large ledger; it has twice as many entries."""
    memory_requests: int
    """Requests after which the memory of the service is looked at again."""
    memory_requests_before: int
    """Requests after which it is looked at first."""
    memory_chunk_seconds: int
    """Length of one measurement of those requests."""
    memory_seconds_max: int
    """When the requests for the memory end at the latest."""


@dataclass(frozen=True)
class Figures:
    """The figures of one question, one of each side per round."""

    here: Sequence[float]
    there: Sequence[float]
    note: str = ""


class Bench:
    """The running bench."""

    def __init__(self, sizes: Sizes, folder: Path, server: Server, progress: Progress, task: TaskID) -> None:
        self.sizes = sizes
        self.folder = folder
        """A temporary folder."""
        self.server = server
        self._progress = progress
        self._task = task
        self._case = ""

    def begin(self, case: str) -> None:
        """Says which case comes."""
        self._case = case
        self.say("preparing")

    def say(self, what: str) -> None:
        """Says what is done now."""
        self._progress.update(self._task, description=f"{self._case}: {what}")

    def take_turns(
        self, database: Database | None, sides: Mapping[str, Callable[[int], Result]]
    ) -> dict[str, list[Result]]:
        """Measures the sides in turn, A B A B …, once for each round, after a warm-up of each.

        Args:
            database: where to make a checkpoint before the warm-up, so that what earlier cases left is no burden. None:
                no checkpoint, after which each page is written whole once.
            sides: by name what measures it, given the seconds to measure for.
        """
        if database is not None:
            database.checkpoint()
        for name, measure in sides.items():
            self.say(f"{name}, warm-up")
            measure(WARM_UP_SECONDS)
            self._progress.advance(self._task)
        results: dict[str, list[Result]] = {name: [] for name in sides}
        for number in range(1, self.sizes.rounds + 1):
            for name, measure in sides.items():
                self.say(f"{name}, round {number} of {self.sizes.rounds}")
                results[name].append(measure(self.sizes.seconds))
                self._progress.advance(self._task)
        return results

    @contextlib.contextmanager
    def wallet(self, database: Database, **settings: str) -> Iterator[Program]:
        """Runs the service on a database, with these settings besides."""
        with programs.wallet(self.folder, database.url, **settings) as program:
            yield program

    @contextlib.contextmanager
    def noop(self, body_size_bytes: int) -> Iterator[Program]:
        """Runs the server that does nothing."""
        with programs.noop(self.folder, body_size_bytes) as program:
            yield program


@dataclass(frozen=True)
class Case:
    """A case: what it asks, and how the figures are had."""

    name: str
    """As `--only` names it."""
    questions: Sequence[Question]
    """One per row."""
    side_count: int
    """Sides it measures in turn, for the progress."""
    measure: Callable[[Bench], Sequence[Figures]]
    """Gives the figures of each question, in order. Raises Unavailable."""
