"""The command line: `python -m bench`."""

import contextlib
import json
import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench import chart, load, machine
from bench.bench import CONNECTIONS, Bench, Case, Sizes
from bench.cases import CASES
from bench.measured import Unavailable
from bench.processor import Meter
from bench.report import Row, conditions, notes, row_from_record, terminal_table, write_page
from bench.server import running_server
from service.embedded.binaries import EmbeddedDatabaseError

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "bench" / "results"

_log = logging.getLogger("bench")


@click.command(
    epilog="Cases: " + ", ".join(case.name for case in CASES) + ". docs/performance.md says what each of them measures."
)
@click.option(
    "--quick", is_flag=True, help="A trial of less than two minutes: one short round, a smaller large ledger."
)
@click.option(
    "--only",
    "names",
    metavar="CASE",
    multiple=True,
    type=click.Choice([case.name for case in CASES]),
    help="Measure this case alone; may be given several times.",
)
@click.option("--rounds", type=click.IntRange(1, 100), help="How often each side is measured.  [default: 5; quick: 1]")
@click.option("--seconds", type=click.IntRange(1, 60), help="Length of one measurement.  [default: 3; quick: 1]")
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=RESULTS,
    help="Where the results go: latest.json and latest.svg; those of --quick and --only are named trial."
    "  [default: bench/results]",
)
@click.option("--write-docs", is_flag=True, help="Measure nothing: put latest.json into docs/performance.md.")
def main(
    quick: bool, names: tuple[str, ...], rounds: int | None, seconds: int | None, output: Path, write_docs: bool
) -> None:
    """Measure the wallet beside its rivals, on a PostgreSQL of the bench's own.

    Each case measures its sides in turn, several rounds, and shows the ratio of the medians. A full run takes about
    a quarter of an hour; let nothing else run meanwhile.
    """
    if write_docs:
        _write_docs(output)
        return
    sizes = Sizes(
        rounds=rounds or (1 if quick else 5),
        seconds=seconds or (1 if quick else 3),
        filled_transactions=210_000 if quick else 2_500_000,
        memory_requests=20_000 if quick else 1_000_000,
        memory_requests_before=2_000 if quick else 10_000,
        memory_chunk_seconds=1 if quick else 5,
        memory_seconds_max=15 if quick else 240,
    )
    cases = [case for case in CASES if not names or case.name in names]
    console = Console()
    try:
        record = _measure(cases, sizes, console)
    except (EmbeddedDatabaseError, Unavailable) as error:
        raise click.ClickException(str(error)) from error
    rows = [row_from_record(one) for one in record["rows"]]
    console.print(terminal_table(rows))
    for line in (*notes(rows), *conditions(record)):
        console.print(line, markup=False, highlight=False)
    name = "trial" if quick or names else "latest"
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (output / f"{name}.svg").write_text(chart.draw(rows, _caption(record)), encoding="utf-8")
    console.print(f"Written: {name}.json and {name}.svg in {output}", markup=False, highlight=False)


def _measure(cases: Sequence[Case], sizes: Sizes, console: Console) -> dict[str, Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wallet-bench-")))
        progress = stack.enter_context(Progress(*columns, console=console))
        turns = sizes.rounds + 1
        task = progress.add_task("starting PostgreSQL", total=turns * sum(case.side_count for case in cases) or None)
        server = stack.enter_context(running_server(folder))
        started_at = datetime.now(UTC)
        settings = server.settings()
        bench = Bench(sizes, folder, server, progress, task)
        rows: list[Row] = []
        for number, case in enumerate(cases):
            rows += _rows(case, bench)
            for row in rows[-len(case.questions) :]:
                progress.console.print(f"{row.question.title}, against {row.question.against}: {_line(row)}")
            progress.update(task, completed=turns * sum(one.side_count for one in cases[: number + 1]))
        return {
            "date": started_at.strftime("%Y-%m-%d %H:%M UTC"),
            "minutes": round((datetime.now(UTC) - started_at).total_seconds() / 60, 1),
            "machine": machine.machine(folder),
            "versions": {
                "PostgreSQL": settings.pop("server_version"),
                **machine.versions(),
                "load generator": load.generator_name(),
                "pgbench": server.pgbench_version(),
            },
            "settings": {
                "rounds": sizes.rounds,
                "seconds": sizes.seconds,
                "connections": CONNECTIONS,
                "service": "one process, default settings, LOG_LEVEL=WARNING",
            },
            "postgresql": settings,
            "rows": [row.record() for row in rows],
        }


def _rows(case: Case, bench: Bench) -> list[Row]:
    """Measures a case. One that cannot be measured, or fails, gives rows that say why: the others go on."""
    bench.begin(case.name)
    meter = Meter()
    try:
        figures = case.measure(bench)
    except Unavailable as error:
        return [Row(case.name, question, note=str(error)) for question in case.questions]
    except (OSError, psycopg.Error) as error:
        _log.exception("the case %s failed", case.name)
        return [Row(case.name, question, note=f"{type(error).__name__}: {error}") for question in case.questions]
    other_cores = meter.other_cores()
    return [
        Row(case.name, question, tuple(one.here), tuple(one.there), one.note, other_cores)
        for question, one in zip(case.questions, figures, strict=True)
    ]


def _line(row: Row) -> str:
    if not row.here:
        return f"{row.reached}: {row.note}"
    _, _, here, there, ratio, spread, target, reached = row.cells()
    return f"{here} / {there} = {ratio} ({spread})" + (f"; wanted {target}: {reached}" if target != "-" else "")


def _caption(record: dict[str, Any]) -> str:
    machine_ = record["machine"]
    disturbed = ", disturbed by other programs" if any(row_from_record(row).disturbed for row in record["rows"]) else ""
    return f"What the wallet reaches: {machine_['CPU']}, {machine_['cores']} cores, {record['date']}{disturbed}"


def _write_docs(output: Path) -> None:
    try:
        record = json.loads((output / "latest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise click.ClickException("There is no latest.json yet: run `make bench`.") from error
    write_page(PAGE, record)
    click.echo("docs/performance.md has the figures of " + record["date"])


if __name__ == "__main__":
    main(prog_name="python -m bench")
