"""Posting a file of newline-delimited JSON, one item of a batch per line."""

import asyncio
import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Final, NamedTuple, Self

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from service.cli.failure import Failure
from service.http.bodies import BODY_SIZE_BYTES_MAX
from service.http.envelope import refusal_text
from service.http.postings import decode_item
from service.posting import PostingAnswer, PostingLane, PostingRequest
from service.refusals import Refusal, is_unavailability, refusal_of

#: Refusals shown on the terminal when there is no file for them.
REFUSALS_SHOWN_MAX: Final = 10

# Room for the line's end. What is longer is larger than an item may be, and is not kept in memory.
_LINE_SIZE_BYTES_MAX: Final = BODY_SIZE_BYTES_MAX + 2

AGAIN_SENTENCE: Final = "Run the same command again to go on: what was posted is not posted twice."


@dataclass
class ImportCounts:
    """What became of the lines so far."""

    posted: int = 0
    replayed: int = 0
    refused: int = 0
    last_line: int = 0
    """The number of the last line whose batch is done, from 1; 0: none."""

    def __str__(self) -> str:
        return f"{self.posted:,} posted, {self.replayed:,} replayed, {self.refused:,} refused"


class Line(NamedTuple):
    """A line that is not empty: its number in the file, from 1, and what it asks for, or why it cannot be read."""

    number: int
    request: PostingRequest | Refusal


class LineReader:
    """Reads the lines of a file of any size, one at a time; the memory it takes does not grow with them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Line]:
        number = 0
        while content := self._read():
            number += 1
            if len(content) == _LINE_SIZE_BYTES_MAX and not content.endswith(b"\n"):
                self._skip_rest()
            else:
                content = content.strip()
            if content:
                yield Line(number, _request_of(content))

    def _read(self) -> bytes:
        content = self._file.readline(_LINE_SIZE_BYTES_MAX)
        self.bytes_read += len(content)
        return content

    def _skip_rest(self) -> None:
        while (content := self._read()) and not content.endswith(b"\n"):
            pass


class RefusalLog:
    """Where refused lines go: a file of newline-delimited JSON, or else the first few to the terminal."""

    def __init__(self, file: BinaryIO | None, console: Console) -> None:
        self._file = file
        self._console = console
        self._shown = 0

    def add(self, line: int, answer: bytes) -> None:
        """Notes that a line was refused; `answer` is JSON text `{error, code, details?}`."""
        if self._file is not None:
            self._file.write(b'{"line":%d,' % line + answer[1:] + b"\n")
            return
        self._shown += 1
        if self._shown <= REFUSALS_SHOWN_MAX:
            refusal = msgspec.json.decode(answer, type=dict[str, object])
            text = f"line {line}: {refusal['code']}: {refusal['error']} {refusal.get('details', '')}".rstrip()
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif self._shown == REFUSALS_SHOWN_MAX + 1:
            self._console.print("Further refusals are not shown: --errors FILE keeps them all.")

    def flush(self) -> None:
        """Writes out what was added."""
        if self._file is not None:
            self._file.flush()


class _Interruption:
    """SIGINT and SIGTERM as KeyboardInterrupt: at once, or after what is in flight; a second one always at once."""

    def __init__(self) -> None:
        self._in_flight = False
        self._asked = False

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Hold an interruption back until the end of the block."""
        self._in_flight = True
        yield
        self._in_flight = False
        if self._asked:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked or not self._in_flight:
            raise KeyboardInterrupt
        self._asked = True


@contextlib.contextmanager
def open_errors(path: Path, source: BinaryIO) -> Iterator[BinaryIO]:
    """Open the file for refused lines; what it held is lost. What is added to it must be flushed.

    Raises:
        click.UsageError: it cannot be written, or it is the file that is imported.
    """
    try:
        if path.exists() and os.path.samestat(path.stat(), os.fstat(source.fileno())):
            raise click.UsageError(f"{path} is the file that is imported: name another one for --errors.")
        file = path.open("wb")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield file
    finally:
        # A disk that is full was reported when the lines were flushed.
        with contextlib.suppress(OSError):
            file.close()


def import_file(url: str, file: BinaryIO, batch_size: int, errors: BinaryIO | None, console: Console) -> ImportCounts:
    """Post every line of a file, in batches, in order. Lines that were posted before are replayed.

    Args:
        url: the database.
        file: newline-delimited JSON; empty lines are passed over.
        batch_size: lines in a batch, at most.
        errors: where refused lines are written to; None: the first few are shown on the console.
        console: for the progress bar and whatever is said before the end.

    Raises:
        Failure: interrupted, or the database is not available now. What was posted stays.
    """
    reader = LineReader(file)
    lines = iter(reader)
    counts = ImportCounts()
    with asyncio.Runner() as runner, _Interruption() as interruption, _Bar(file, console) as bar:
        refusals = RefusalLog(errors, bar.console)
        lane = PostingLane(url)
        try:
            while batch := list(islice(lines, batch_size)):
                with interruption.held_back():
                    _note(batch, runner.run(_post(lane, batch)), counts, refusals)
                    bar.show(reader.bytes_read, counts)
        except KeyboardInterrupt:
            raise Failure(f"Interrupted after line {counts.last_line:,}: {counts}. {AGAIN_SENTENCE}") from None
        except OSError as error:  # of a file: the database's own are answers
            reason = error.strerror or error
            raise Failure(f"Stopped after line {counts.last_line:,} ({reason}): {counts}. {AGAIN_SENTENCE}") from error
        finally:
            runner.run(lane.close())
    return counts


async def _post(lane: PostingLane, batch: Sequence[Line]) -> list[PostingAnswer | Exception]:
    requests = [line.request for line in batch if isinstance(line.request, PostingRequest)]
    answers = iter(await lane.post(requests) if requests else ())
    return [line.request if isinstance(line.request, Refusal) else next(answers) for line in batch]


def _note(
    batch: Sequence[Line], answers: Sequence[PostingAnswer | Exception], counts: ImportCounts, refusals: RefusalLog
) -> None:
    away = False
    for line, answer in zip(batch, answers, strict=True):
        if isinstance(answer, Exception):
            if is_unavailability(answer):
                away = True
                continue
            refusal = refusal_of(answer)
            counts.refused += 1
            refusals.add(line.number, refusal_text(refusal.error, refusal.code, refusal.details))
        elif answer.code is not None:
            counts.refused += 1
            refusals.add(line.number, answer.answer)
        elif answer.outcome == "REPLAYED":
            counts.replayed += 1
        else:
            counts.posted += 1
    refusals.flush()
    if away:
        raise Failure(
            f"The database is not available, so the import stopped after line {counts.last_line:,}: {counts}."
            f" {AGAIN_SENTENCE}"
        )
    counts.last_line = batch[-1].number


def _request_of(content: bytes) -> PostingRequest | Refusal:
    try:
        return decode_item(content)
    except Refusal as refusal:
        return refusal


class _Bar:
    """The progress bar: bytes read, postings a second, counts. Nothing when the console is no terminal."""

    def __init__(self, file: BinaryIO, console: Console) -> None:
        status = os.fstat(file.fileno())
        # The size of a pipe or a terminal is not known before its end.
        total_bytes = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._progress = Progress(
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]:,.0f} postings/s"),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("import", total=total_bytes, rate=0.0, counts=ImportCounts())
        self._started = time.monotonic()

    @property
    def console(self) -> Console:
        """Where to print lines that must not run into the bar."""
        return self._progress.console

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, bytes_read: int, counts: ImportCounts) -> None:
        """Bring the bar up to date."""
        rate = (counts.posted + counts.replayed) / max(time.monotonic() - self._started, 1e-9)
        self._progress.update(self._task, completed=bytes_read, rate=rate, counts=counts)
