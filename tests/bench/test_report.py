import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import chart
from bench.client import answer_end
from bench.load import COUNT_UNLIMITED, send
from bench.measured import Unavailable, from_latencies
from bench.pgbench import read_result
from bench.processor import DISTURBED_CORES
from bench.programs import noop
from bench.report import HEADINGS, Question, Row, Target, fill_page, markdown_table, notes, row_from_record
from bench.traffic import Traffic, posting, wallet_id
from tests.conftest import Connect
from tests.docs.pages import ROOT

_AT_LEAST_HALF = Question("a", "b", "/s", Target(low=0.5))


def _record(rows: list[Row]) -> dict[str, object]:
    return {
        "date": "2026-01-02 03:04 UTC",
        "machine": {"CPU": "Test", "cores": "2"},
        "versions": {"Python": "3"},
        "settings": {"rounds": 3},
        "postgresql": {"fsync": "on"},
        "rows": [row.record() for row in rows],
    }


def test_help_says_how_to_run_it() -> None:
    command = [sys.executable, "-m", "bench", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    for expected in ("--quick", "--only", "--rounds", "--seconds", "--output", "--write-docs", "stripes"):
        assert expected in done.stdout


def test_ratio_is_that_of_the_medians_and_the_spread_that_of_the_rounds() -> None:
    row = Row("x", _AT_LEAST_HALF, (10.0, 20.0, 90.0), (40.0, 10.0, 100.0))
    assert row.ratio == 20 / 40
    assert row.ratios == [0.25, 2.0, 0.9]
    assert row.cells()[2:6] == ("20.0/s", "40.0/s", "0.50", "0.25 to 2.00")


@pytest.mark.parametrize(
    ("target", "here", "expected"),
    [
        (Target(low=0.5), (0.5, 0.5), "yes"),
        (Target(low=0.5), (0.4, 0.49), "no"),
        (Target(low=0.5), (0.4, 0.42, 0.6), "in the spread"),
        (Target(high=1.0), (1.004, 1.004), "yes"),
        (Target(high=1.0), (1.02, 1.02), "no"),
        (Target(0.9, 1.1), (1.0, 1.0), "yes"),
        (Target(0.9, 1.1), (1.2, 1.2), "no"),
        (Target(0.9, 1.1), (0.8, 0.8), "no"),
        (Target(), (1.0, 1.0), "-"),
        (Target(low=0.5), (), "not available"),
    ],
)
def test_verdict(target: Target, here: tuple[float, ...], expected: str) -> None:
    assert Row("x", Question("a", "b", "/s", target), here, (1.0,) * len(here)).reached == expected


def test_row_comes_back_from_its_record() -> None:
    rows = [
        Row("x", _AT_LEAST_HALF, (1.0, 2.0), (3.0, 4.0), "a remark", 0.5),
        Row("y", _AT_LEAST_HALF, note="there is no wrk"),
    ]
    assert [row_from_record(json.loads(json.dumps(row.record()))) for row in rows] == rows


def test_row_without_figures_says_so_and_why() -> None:
    row = Row("x", _AT_LEAST_HALF, note="there is no wrk")
    assert math.isnan(row.ratio)
    assert row.cells()[-1] == "not available"
    assert notes([row]) == ["a, against b: there is no wrk"]


def test_row_is_disturbed_when_others_used_the_processor() -> None:
    quiet, disturbed = (
        Row("x", _AT_LEAST_HALF, (1.0,), (1.0,), other_cores=cores)
        for cores in (DISTURBED_CORES / 2, DISTURBED_CORES * 2)
    )
    assert quiet.cells()[-1] == "yes"
    assert not notes([quiet])
    assert disturbed.cells()[-1] == "yes, disturbed"
    assert "quiet machine" in notes([disturbed])[0]


def test_markdown_table_has_a_line_per_row_and_a_cell_per_heading() -> None:
    question = Question("a|b", "c", "ms", Target(high=2.0))
    lines = markdown_table([Row("x", question, (3.0,), (2.0,)), Row("y", question)]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(HEADINGS) + 1}
    assert lines[2] == "| a/b | c | 3.00 ms | 2.00 ms | 1.50 | 1.50 to 1.50 | at most 2 | yes |"


def test_page_is_filled_between_its_marks_and_again() -> None:
    page = "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n"
    filled = fill_page(page, _record([Row("x", _AT_LEAST_HALF, (1.0,), (1.0,))]))
    assert filled.startswith("before\n<!-- bench:begin -->\n\n| Measured |")
    assert filled.endswith("<!-- bench:end -->\nafter\n")
    assert "old" not in filled
    assert "2026-01-02" in filled
    assert fill_page(filled, _record([Row("x", _AT_LEAST_HALF, (1.0,), (1.0,))])) == filled


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="bench:begin"):
        fill_page("no marks", _record([]))


def test_page_of_the_documentation_can_be_filled() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "| a | b |" in fill_page(page, _record([Row("x", _AT_LEAST_HALF, (1.0,), (1.0,))]))


@pytest.mark.parametrize(
    ("target", "ratio", "expected"),
    [
        (Target(low=0.5), 0.5, 1.0),
        (Target(low=0.5), 0.25, 0.5),
        (Target(high=2.0), 4.0, 0.5),
        (Target(high=2.0), 1.0, 2.0),
        (Target(0.9, 1.1), 1.0, 1.0),
        (Target(0.9, 1.1), 0.45, 0.5),
        (Target(0.9, 1.1), 2.2, 0.5),
    ],
)
def test_bar_shows_how_far_the_ratio_is_on_its_way(target: Target, ratio: float, expected: float) -> None:
    row = Row("x", Question("a", "b", "/s", target), (ratio,), (1.0,))
    assert chart.goodness(row) == pytest.approx(expected)


def test_chart_is_an_svg_with_a_bar_per_row_that_has_a_verdict() -> None:
    rows = [
        Row("x", Question("a < b & c", "d", "/s", Target(low=0.5)), (1.0,), (1.0,)),
        Row("x", Question("far over", "d", "/s", Target(low=0.5)), (100.0,), (1.0,)),
        Row("y", _AT_LEAST_HALF),
        Row("z", Question("no target", "b", "/s"), (1.0,), (1.0,)),
    ]
    root = ElementTree.fromstring(chart.draw(rows, "A caption"))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if "x" in rect.attrib]
    assert "a < b & c" in texts
    assert "1.00 (at least 0.5)" in texts
    assert "no target" not in texts
    assert [bar.get("width") for bar in bars] == ["300.0", "300.0"]


def test_percentiles_of_latencies() -> None:
    measured = from_latencies([number / 1000 for number in range(100, 0, -1)], 2.0)
    assert measured.p50_ms == pytest.approx(50)
    assert measured.p99_ms == pytest.approx(99)
    assert measured.rate == 50


def test_no_latencies_are_no_measurement() -> None:
    with pytest.raises(Unavailable):
        from_latencies([], 1.0)


def test_result_of_pgbench_is_read() -> None:
    output = "number of transactions actually processed: 500\ntps = 250.0 (without initial connection time)\n"
    measured = read_result(output)
    assert (measured.count, measured.seconds, measured.times(1_000).rate) == (500, 2.0, 250_000)


@pytest.mark.parametrize("more", ["number of failed transactions: 3 (0.6%)\n", None])
def test_result_of_pgbench_with_failures_or_without_numbers_is_refused(more: str | None) -> None:
    whole = "number of transactions actually processed: 500\ntps = 250.0 (without initial connection time)\n"
    with pytest.raises(Unavailable):
        read_result(whole + more if more else "")


def test_request_is_whole_around_its_key() -> None:
    head, tail = posting("top-up", ("first", "second")).parts(0)
    fields, body = f"{head}key{tail}".split("\r\n\r\n")
    assert fields.startswith("POST /api/v1/transactions/top-up HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}" in fields
    assert fields.endswith("\r\nIdempotency-Key: key")
    assert json.loads(body) == {"accountId": wallet_id(1), "assetTypeId": "second", "amount": 1}


def test_wallets_of_a_range_are_all_different() -> None:
    traffic = Traffic("GET", "/{wallet}", "", ("",), 10_001, 10_000)
    assert len({head for head, _ in traffic.all_parts()}) == 10_000


def test_sql_makes_the_same_wallet_ids(database_url: str, connect: Connect) -> None:
    """Else the scripts of pgbench would post to wallets that are not there."""
    connection = connect(database_url)
    connection.execute((ROOT / "bench" / "sql" / "fixture.sql").read_bytes())
    rows = connection.execute("SELECT n, bench.wallet_id(n)::text FROM unnest(ARRAY[1, 2, 10001, 31000]) AS n")
    assert dict(rows.fetchall()) == {n: wallet_id(n) for n in (1, 2, 10_001, 31_000)}


@pytest.mark.parametrize("count_max", [25, COUNT_UNLIMITED])
def test_client_counts_the_answers_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count_max: int) -> None:
    """Where there is no wrk; with the loop and the server that the bench uses."""
    monkeypatch.setattr("bench.load.shutil.which", lambda name: None)
    with noop(tmp_path, 100) as program:
        measured = send(program.base_url, posting("top-up", ("asset",)), 4, 1, count_max)
    assert measured.count == 25 if count_max == 25 else measured.count > 25
    assert 0 < measured.p50_ms <= measured.p99_ms


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Len", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nA: b\r\n\r\nxyz", 46),
    ],
)
def test_end_of_an_answer(received: bytes, expected: int | None) -> None:
    assert answer_end(received) == expected
