"""From figures to rows: ratios, verdicts, the record that is kept, and the tables that are shown."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.processor import DISTURBED_CORES

_BEGIN = "<!-- bench:begin -->"
_END = "<!-- bench:end -->"

HEADINGS = ("Measured", "Against", "Here", "There", "Ratio", "Spread", "Wanted", "Reached")


@dataclass(frozen=True)
class Target:
    """What a ratio should be: at least `low`, at most `high`."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if self.high is not None else "-"

    def holds(self, ratio: float) -> bool:
        """Whether the ratio is as wanted. Ratios are compared as they are printed, with two decimals."""
        shown = round(ratio, 2)
        return (self.low is None or shown >= self.low) and (self.high is None or shown <= self.high)


@dataclass(frozen=True)
class Question:
    """What a row asks."""

    title: str
    """What is measured."""
    against: str
    """The rival, in the same run."""
    unit: str
    """Of both figures: `/s`, `ms` or `MB`."""
    target: Target = Target()
    """The ratio wanted, measured over rival."""


@dataclass(frozen=True)
class Row:
    """A question with its figures: one of each side per round."""

    case: str
    question: Question
    here: tuple[float, ...] = ()
    there: tuple[float, ...] = ()
    note: str = ""
    """A remark; when there are no figures, why."""
    other_cores: float | None = None
    """How many cores other programs used meanwhile; None: not known."""

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round: the two figures in it were taken one right after the other."""
        return [here / there for here, there in zip(self.here, self.there, strict=True)]

    @property
    def ratio(self) -> float:
        """The ratio of the medians; NaN without figures."""
        if not self.here:
            return math.nan
        return statistics.median(self.here) / statistics.median(self.there)

    @property
    def reached(self) -> str:
        """`yes`, `no`, or `in the spread`: no by the medians, but the rounds lie on both sides.

        A row without figures is `not available`, one without a target has `-`.
        """
        target = self.question.target
        if not self.here:
            return "not available"
        if target == Target():
            return "-"
        if target.holds(self.ratio):
            return "yes"
        return "in the spread" if any(target.holds(ratio) for ratio in self.ratios) else "no"

    @property
    def disturbed(self) -> bool:
        """Whether other programs used so much of the processor that the ratio may be wrong."""
        return self.other_cores is not None and self.other_cores >= DISTURBED_CORES

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `HEADINGS`."""
        question = self.question
        if not self.here:
            return (question.title, question.against, "", "", "", "", str(question.target), self.reached)
        return (
            question.title,
            question.against,
            figure(statistics.median(self.here), question.unit),
            figure(statistics.median(self.there), question.unit),
            f"{self.ratio:.2f}",
            f"{min(self.ratios):.2f} to {max(self.ratios):.2f}",
            str(question.target),
            f"{self.reached}, disturbed" if self.disturbed else self.reached,
        )

    def record(self) -> dict[str, Any]:
        """The row for the JSON file."""
        found: dict[str, Any] = {
            "case": self.case,
            **{name: value for name, value in asdict(self.question).items() if name != "target"},
            "target": asdict(self.question.target),
            "here": list(self.here),
            "there": list(self.there),
            "reached": self.reached,
            "note": self.note,
            "other_cores": self.other_cores,
        }
        if self.here:
            found["ratio"] = {"median": self.ratio, "lowest": min(self.ratios), "highest": max(self.ratios)}
        return found


def row_from_record(record: dict[str, Any]) -> Row:
    """The row that `Row.record` made the record from."""
    question = Question(record["title"], record["against"], record["unit"], Target(**record["target"]))
    return Row(
        record["case"], question, tuple(record["here"]), tuple(record["there"]), record["note"], record["other_cores"]
    )


def figure(value: float, unit: str) -> str:
    """A figure with its unit, with about three digits that mean something."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    space = "" if unit.startswith("/") else " "
    return f"{value:,.{digits}f}{space}{unit}"


def terminal_table(rows: Sequence[Row]) -> Table:
    """The rows for the terminal."""
    styles = {"yes": "green", "no": "red", "in the spread": "yellow"}
    table = Table("Measured, against", show_lines=True)
    for heading in HEADINGS[2:]:
        table.add_column(heading, justify="right", no_wrap=heading not in {"Spread", "Wanted", "Reached"})
    for row in rows:
        title, against, *others = row.cells()
        table.add_row(f"{title}, against {against}", *others, style=styles.get(row.reached))
    return table


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows for a page."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row.cells())} |" for row in rows]
    return "\n".join(lines)


def notes(rows: Sequence[Row]) -> list[str]:
    """The remarks: of the rows that have one, and on what disturbed the run."""
    found = [f"{row.question.title}, against {row.question.against}: {row.note}" for row in rows if row.note]
    disturbed = [row.other_cores for row in rows if row.disturbed and row.other_cores is not None]
    if disturbed:
        found.append(
            f"Other programs used up to {max(disturbed):.1f} cores meanwhile. That changes ratios, not only figures: "
            "measure what is called disturbed again on a quiet machine."
        )
    return found


def conditions(record: dict[str, Any]) -> list[str]:
    """Under which conditions a record was made, as sentences of the form `name: values`."""
    lines = [f"Date: {record['date']}"]
    for name in ("machine", "versions", "settings", "postgresql"):
        values = ", ".join(f"{key} {value}" for key, value in record[name].items())
        lines.append(f"{'PostgreSQL settings' if name == 'postgresql' else name.capitalize()}: {values}")
    return lines


def fill_page(page: str, record: dict[str, Any]) -> str:
    """Puts a record's table, remarks and conditions between the marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"The page has no {_BEGIN} and {_END}.")
    rows = [row_from_record(one) for one in record["rows"]]
    parts = [markdown_table(rows), *(f"- {line}" for line in (*notes(rows), *conditions(record)))]
    return f"{before}{_BEGIN}\n\n{parts[0]}\n\n{chr(10).join(parts[1:])}\n\n{_END}{after}"


def write_page(path: Path, record: dict[str, Any]) -> None:
    """`fill_page` for a file."""
    path.write_text(fill_page(path.read_text(encoding="utf-8"), record), encoding="utf-8")
