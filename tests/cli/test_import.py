"""`wallet import`: a file of postings straight to the database."""

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import tracemalloc
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

import aiohttp
import pytest
from rich.console import Console

from service.cli.importing import LineReader, import_file
from service.refusals import Refusal
from tests.conftest import Connect, StartService
from tests.http.batches import away, gate_held
from tests.http.waiting import lock_waiters, until, until_waiting
from tests.support.database import Databases
from tests.support.ledger import Ledger
from tests.support.process import run_wallet, wallet_command, wallet_environment

GATE = "wallet.posting_gate"
KIB = 1024


@pytest.fixture
def books(seeded_url: str, connect: Connect) -> Ledger:
    """The tables by SQL."""
    return Ledger(connect(seeded_url))


@pytest.fixture
def wallet(books: Ledger) -> UUID:
    """A wallet without a balance."""
    row = books.connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'GC'").fetchone()
    assert row is not None
    return books.create_wallet(row[0])


class Lines:
    """Makes lines for one wallet, with keys that count from 1."""

    def __init__(self, books: Ledger, wallet: UUID) -> None:
        self._fields = {"accountId": str(wallet), "assetTypeId": str(books.asset_of(wallet))}
        self._number = 0

    def one(self, amount: object = 1, kind: str = "TOP_UP", **fields: object) -> str:
        """Make a line, without its end."""
        self._number += 1
        key = {"idempotencyKey": f"line-{self._number}"}
        return json.dumps({"type": kind, **key, **self._fields, "amount": amount, **fields})

    def many(self, count: int) -> list[str]:
        """Make so many top-ups of 1."""
        return [self.one() for _ in range(count)]


@pytest.fixture
def lines(books: Ledger, wallet: UUID) -> Lines:
    """Lines for `wallet`."""
    return Lines(books, wallet)


def written(folder: Path, lines: Iterable[str], name: str = "postings.ndjson") -> str:
    """Write lines to a file; give its name."""
    (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return name


def refusals(folder: Path, name: str = "refused.ndjson") -> list[dict[str, Any]]:
    """Read what --errors wrote."""
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@contextlib.contextmanager
def importing(folder: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start `wallet import`; kill it at the end if it is still there."""
    with subprocess.Popen(
        wallet_command("import", *arguments),
        cwd=folder,
        env=wallet_environment(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_file_is_posted_and_once(books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, tmp_path: Path) -> None:
    """All lines, over several batches, in order; a second run replays them all. Exit code 0 both times."""
    content = [*lines.many(25), lines.one("7.5", "SPEND"), lines.one("0.25", "BONUS", metadata={"a": 1})]
    name = written(tmp_path, content)
    done = run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url, BATCH_SIZE="10")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The file is imported: 27 posted, 0 replayed, 0 refused.\n"
    assert books.balance(wallet) == Decimal("17.75")
    before = books.state()
    again = run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url)
    assert (again.returncode, again.stdout) == (0, "The file is imported: 0 posted, 27 replayed, 0 refused.\n")
    assert books.state() == before
    assert books.problems() == {}


def test_a_half_imported_file_is_finished(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, tmp_path: Path
) -> None:
    """What was posted is counted as replayed, the rest is posted."""
    content = lines.many(9)
    half, whole = written(tmp_path, content[:4], "half"), written(tmp_path, content, "whole")
    assert run_wallet(tmp_path, "import", half, DATABASE_URL=seeded_url).returncode == 0
    done = run_wallet(tmp_path, "import", whole, DATABASE_URL=seeded_url)
    assert done.stdout == "The file is imported: 5 posted, 4 replayed, 0 refused.\n"
    assert books.balance(wallet) == 9


def test_batch_size_is_the_size_of_a_transaction(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, tmp_path: Path
) -> None:
    """10 lines at BATCH_SIZE 4 are three transactions of PostgreSQL."""
    name = written(tmp_path, lines.many(10))
    assert run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url, BATCH_SIZE="4").returncode == 0
    sizes = books.connection.execute(
        "SELECT count(*) FROM wallet.transactions WHERE dest_account_id = %s GROUP BY xmin::text ORDER BY 1", [wallet]
    ).fetchall()
    assert sizes == [(2,), (4,), (4,)]


def test_refused_lines_are_written_down(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, tmp_path: Path
) -> None:
    """Line number, code, error and details of each; the lines around them are posted; exit code 1."""
    content = [
        lines.one(),
        "",
        "no json",
        lines.one("x"),
        "   ",
        lines.one(100, "SPEND"),
        lines.one(),
        "{}",
        lines.one(description="d" * 64 * KIB),
        lines.one(kind="GIFT"),
        lines.one(accountId="00000000-0000-4000-8000-000000000000"),
        "7",
        lines.one(),
    ]
    name = written(tmp_path, content)
    done = run_wallet(tmp_path, "import", "--errors", "refused.ndjson", name, DATABASE_URL=seeded_url, BATCH_SIZE="3")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "The file is imported: 3 posted, 0 replayed, 8 refused.\n"
    found = refusals(tmp_path)
    assert [(one["line"], one["code"]) for one in found] == [
        (3, "validation_failed"),
        (4, "validation_failed"),
        (6, "insufficient_balance"),
        (8, "idempotency_key_missing"),
        (9, "body_too_large"),
        (10, "validation_failed"),
        (11, "account_not_found"),
        (12, "validation_failed"),
    ]
    assert found[2]["error"] == "Insufficient balance: 1 available, 100 asked for."
    assert [set(one.get("details", {})) for one in found] == [
        {"body"},
        {"amount"},
        set(),
        set(),
        set(),
        {"type"},
        set(),
        {"body"},
    ]
    assert all(isinstance(one["error"], str) for one in found)
    assert books.balance(wallet) == 3


def test_without_a_file_for_them_the_first_refused_lines_are_shown(seeded_url: str, tmp_path: Path) -> None:
    """Ten on standard error, and a hint; the summary has the count."""
    name = written(tmp_path, ["[]"] * 12)
    done = run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url)
    shown = done.stderr.splitlines()
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in shown[:10]] == [f"line {number}" for number in range(1, 11)]
    assert "validation_failed" in shown[0]
    assert "--errors" in shown[10]
    assert len(shown) == 11
    assert done.stdout == "The file is imported: 0 posted, 0 replayed, 12 refused.\n"


def test_standard_input(books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, tmp_path: Path) -> None:
    """`-` reads a pipe; the last line may lack its end, the others may end as on Windows."""
    with importing(tmp_path, "-", DATABASE_URL=seeded_url) as process:
        output, errors = process.communicate("\r\n".join(lines.many(3)))
    assert (process.returncode, output, errors) == (0, "The file is imported: 3 posted, 0 replayed, 0 refused.\n", "")
    assert books.balance(wallet) == 3


def test_an_empty_file(seeded_url: str, tmp_path: Path) -> None:
    """Nothing to do is no failure."""
    done = run_wallet(tmp_path, "import", written(tmp_path, []), DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout) == (0, "The file is imported: 0 posted, 0 replayed, 0 refused.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("missing",),
        (".",),
        ("file", "file"),
        ("--errors", "file", "file"),
        ("--errors", ".", "file"),
        ("--errors", "missing/folder", "file"),
    ],
)
def test_wrong_usage(seeded_url: str, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Exit code 2 and a sentence; the file itself is never overwritten by its errors."""
    (tmp_path / "file").write_text("{}\n")
    done = run_wallet(tmp_path, "import", *arguments, DATABASE_URL=seeded_url)
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "{}\n"


def test_a_database_without_the_wallet_is_refused(databases: Databases, tmp_path: Path) -> None:
    """Exit code 1, and what to do."""
    done = run_wallet(tmp_path, "import", written(tmp_path, ["{}"]), DATABASE_URL=databases.url("postgres"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The database is behind this release: run `wallet migrate`.\n"


def test_it_posts_as_the_restricted_role(
    lines: Lines, books: Ledger, seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """The import has no more rights than the service: without the role's right to post it cannot."""
    connect(seeded_url).execute("REVOKE EXECUTE ON FUNCTION wallet.post_json(json) FROM wallet_service")
    done = run_wallet(tmp_path, "import", written(tmp_path, lines.many(1)), DATABASE_URL=seeded_url)
    assert done.returncode == 1
    assert "internal_error" in done.stderr


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_after_the_batch_in_flight(
    number: signal.Signals, books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """The batch is finished and counted, no other is begun; the sentence says so, and a second run goes on."""
    name = written(tmp_path, lines.many(6))
    with importing(tmp_path, name, DATABASE_URL=seeded_url, BATCH_SIZE="2") as process:
        with gate_held(connect(seeded_url)):
            await until_waiting(books.connection, GATE)
            process.send_signal(number)
            # Still in flight: the signal has not broken it off.
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            assert lock_waiters(books.connection, GATE)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert errors == (
        "Interrupted after line 2: 2 posted, 0 replayed, 0 refused. "
        "Run the same command again to go on: what was posted is not posted twice.\n"
    )
    assert books.balance(wallet) == 2
    again = run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url)
    assert again.stdout == "The file is imported: 4 posted, 2 replayed, 0 refused.\n"


@pytest.mark.anyio
async def test_a_second_signal_ends_it_at_once(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """While the database still keeps the batch waiting; nothing of it is posted."""
    name = written(tmp_path, lines.many(2))
    with importing(tmp_path, name, DATABASE_URL=seeded_url) as process, gate_held(connect(seeded_url)):
        await until_waiting(books.connection, GATE)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.startswith("Interrupted after line 0: 0 posted, ")
    assert "Traceback" not in errors
    assert books.balance(wallet) == 0


@pytest.mark.anyio
async def test_a_signal_ends_the_wait_for_input_at_once(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """Standard input is open and silent: Ctrl-C does not wait for more of it."""
    with importing(tmp_path, "-", DATABASE_URL=seeded_url, BATCH_SIZE="1") as process:
        assert process.stdin is not None
        process.stdin.write(lines.one() + "\n")
        process.stdin.flush()

        async def posted() -> bool:
            return books.balance(wallet) == 1

        await until(posted, "the first line is posted")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 1
        assert process.stderr is not None
        assert process.stderr.read().startswith("Interrupted after line 1: 1 posted, ")


@pytest.mark.anyio
async def test_a_database_that_goes_away_ends_it(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, databases: Databases, connect: Connect, tmp_path: Path
) -> None:
    """Exit code 1 and a sentence; its lines are not counted as refused; a second run goes on."""
    name = written(tmp_path, lines.many(4))
    administration = connect(databases.url("postgres"))
    holder = connect(seeded_url)
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
    with importing(tmp_path, "--errors", "refused.ndjson", name, DATABASE_URL=seeded_url, BATCH_SIZE="2") as process:
        await until_waiting(books.connection, GATE)
        with away(administration, seeded_url):
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("The database is not available, so the import stopped after line 0: 0 posted, ")
    assert refusals(tmp_path) == []
    again = run_wallet(tmp_path, "import", name, DATABASE_URL=seeded_url)
    assert again.stdout == "The file is imported: 4 posted, 0 replayed, 0 refused.\n"


@pytest.mark.anyio
async def test_a_lost_connection_is_not_noticed(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """The session that posts is ended in the middle: the batch is posted all the same, once."""
    name = written(tmp_path, lines.many(3))
    with importing(tmp_path, name, DATABASE_URL=seeded_url) as process:
        with gate_held(connect(seeded_url)):
            (pid,) = await until_waiting(books.connection, GATE)
            books.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "The file is imported: 3 posted, 0 replayed, 0 refused.\n")
    assert books.balance(wallet) == 3


@pytest.mark.anyio
async def test_the_service_may_run_meanwhile(
    books: Ledger, wallet: UUID, lines: Lines, seeded_url: str, start_service: StartService, tmp_path: Path
) -> None:
    """Half of the file is posted over HTTP at the same time, with the same keys: each line counts once."""
    content = lines.many(400)
    name = written(tmp_path, content)
    with (
        start_service(seeded_url) as service,
        importing(tmp_path, name, DATABASE_URL=seeded_url, BATCH_SIZE="10") as process,
    ):
        async with aiohttp.ClientSession(service.base_url) as session:
            for start in range(0, 400, 40):
                items = [json.loads(line) for line in content[start : start + 20]]
                async with session.post("/api/v1/transactions/batch", json={"items": items}) as response:
                    assert {one["status"] for one in (await response.json())["data"]} == {201}
        output, _ = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 0, output
    assert books.balance(wallet) == 400
    assert books.problems() == {}


class _Endless(io.RawIOBase):
    """So many bytes of one line, made as they are read."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._left_bytes)
        buffer[:size] = b"x" * size
        self._left_bytes -= size
        return size


def test_a_line_of_any_size_takes_little_memory() -> None:
    """256 MiB without an end of line are one refused line, at less than 1 MiB."""
    size_bytes = 256 * KIB * KIB
    reader = LineReader(cast("BinaryIO", io.BufferedReader(_Endless(size_bytes))))
    tracemalloc.start()
    try:
        (line,) = list(reader)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(line.request, Refusal)
    assert (line.number, line.request.code) == (1, "body_too_large")
    assert reader.bytes_read == size_bytes
    assert peak_bytes < KIB * KIB


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_largest_line(end: bytes) -> None:
    """64 KiB without its end is let through to its checks; a byte more is too large. What follows is read on."""
    for size_bytes, code in ((64 * KIB, "idempotency_key_missing"), (64 * KIB + 1, "body_too_large")):
        content = b'{"a":"' + b"x" * (size_bytes - 8) + b'"}'
        found = list(LineReader(io.BytesIO(content + end + (b"{}" if end else b""))))
        codes = [line.request.code for line in found if isinstance(line.request, Refusal)]
        assert codes == ([code, "idempotency_key_missing"] if end else [code])
        assert [line.number for line in found] == [1, 2][: len(found)]


def test_a_terminal_sees_a_bar(lines: Lines, seeded_url: str, tmp_path: Path) -> None:
    """Bytes read, postings a second and the counts; nothing of it where there is no terminal."""
    name = written(tmp_path, [*lines.many(5), "{}"])
    before = signal.getsignal(signal.SIGINT)
    for is_terminal in (True, False):
        screen = io.StringIO()
        console = Console(file=screen, force_terminal=is_terminal, width=160, _environ={"TERM": "xterm"})
        with (tmp_path / name).open("rb") as file, (tmp_path / "errors").open("wb") as errors:
            counts = import_file(seeded_url, file, 2, errors, console)
        shown = screen.getvalue()
        assert ("postings/s" in shown, str(counts) in shown, "kB" in shown or "bytes" in shown) == (is_terminal,) * 3
    assert signal.getsignal(signal.SIGINT) is before


def test_a_disk_that_is_full_ends_it_with_a_sentence(lines: Lines, seeded_url: str, tmp_path: Path) -> None:
    """No traceback when refused lines cannot be written."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    name = written(tmp_path, ["{}", lines.one()])
    done = run_wallet(tmp_path, "import", "--errors", "/dev/full", name, DATABASE_URL=seeded_url)
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped after line 0 (No space left on device): ")
    assert "Traceback" not in done.stderr
