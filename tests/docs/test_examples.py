"""Every example of the documentation does what the page shows."""

import contextlib
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import StartService
from tests.docs.examples import (
    PageError,
    blocks_of,
    examples_of,
    matches_http,
    matches_json,
    matches_text,
)
from tests.docs.pages import EXAMPLES, PAGES, ROOT
from tests.docs.runners import Psql, Shell, difference, psql_session
from tests.support.process import wallet_environment


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_examples_of_a_page_print_what_it_shows(
    page: Path, seeded_url: str, start_service: StartService, tmp_path: Path
) -> None:
    """Each page starts from the demo data; its examples are run from top to bottom."""
    examples = examples_of(page)
    if any("curl" in example.source.text for example in examples) and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    runners: dict[str, Shell | Psql] = {}
    with contextlib.ExitStack() as stack:
        if any(example.source.language == "sh" for example in examples):
            service = stack.enter_context(start_service(seeded_url))
            runners["sh"] = Shell(tmp_path, service.base_url, {"DATABASE_URL": seeded_url})
        if any(example.source.language == "sql" for example in examples):
            runners["sql"] = stack.enter_context(psql_session(tmp_path, seeded_url))
        found = [
            problem
            for example in examples
            if (problem := difference(example, runners[example.source.language].run(example.source.text)))
        ]
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.sql")), ids=_name)
def test_sql_example_file_prints_its_output_file(script: Path, seeded_url: str, tmp_path: Path) -> None:
    with psql_session(tmp_path, seeded_url) as psql:
        printed = psql.run(f"\\i {script}")
    expected = script.with_suffix(".out").read_text()
    assert matches_text(expected, printed), printed


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=_name)
def test_python_example_file_prints_its_output_file(script: Path, seeded_url: str, start_service: StartService) -> None:
    """The examples read where to go from the environment, and may be run again."""
    with start_service(seeded_url, WEBHOOK_TARGETS="any") as service:
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-W", "error", script],
                env=wallet_environment(WALLET_URL=f"{service.base_url}/api/v1", DATABASE_URL=seeded_url, no_proxy="*"),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert matches_text(script.with_suffix(".out").read_text(), done.stdout), done.stdout


def test_the_python_of_the_webhooks_page_is_that_of_the_example() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    shown = [block.text for block in blocks_of(page) if block.language == "python"]
    assert shown
    assert all(one in (EXAMPLES / "webhook_receiver.py").read_text() for one in shown)


def test_logins_of_the_operations_page_can_do_their_work_and_no_more(
    seeded_url: str, start_service: StartService, tmp_path: Path
) -> None:
    """The service's login serves and checks, the job's posts, finance's reads; none reaches further."""
    blocks = blocks_of((ROOT / "docs" / "operations.md").read_text())
    (block,) = (one for one in blocks if "CREATE ROLE wallet_app" in one.text)
    with psql_session(tmp_path, seeded_url) as superuser:
        try:
            assert superuser.run(block.text) == ""
            with start_service(_as_login(seeded_url, "wallet_app")) as service:
                without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                answer = without_proxy.open(f"{service.base_url}/api/v1/asset-types", timeout=30)
                with contextlib.closing(answer):
                    assert b'"symbol"' in answer.read()
            for login, may, may_not in _RIGHTS:
                with psql_session(tmp_path, _as_login(seeded_url, login)) as psql:
                    assert "ERROR" not in psql.run(may)
                    assert "permission denied" in psql.run(may_not)
        finally:
            superuser.run("DROP ROLE IF EXISTS wallet_app, nightly_job, finance;")


_RIGHTS = (
    ("wallet_app", "SELECT count(*) FROM wallet.doctor();", "SELECT count(*) FROM wallet.accounts;"),
    ("nightly_job", "SELECT wallet.list_asset_types();", "SELECT count(*) FROM wallet.accounts;"),
    ("nightly_job", "SELECT * FROM wallet.refusals();", "SELECT * FROM wallet.doctor();"),
    ("finance", "SELECT count(*) FROM wallet.accounts;", "DELETE FROM wallet.idempotency_keys;"),
    ("finance", "SELECT * FROM wallet.trial_balance();", "SELECT * FROM wallet.create_account('x', NULL);"),
)


def _as_login(superuser_url: str, login: str) -> str:
    return superuser_url.replace("postgres@", f"{login}@", 1)


# --- the extractor itself


def test_a_block_is_run_or_says_why_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: it never ends -->\n```sh\nmake run\n```\n\n```sql\nSELECT 1;\n```\n\n```text\n1\n```\n"
    )
    (example,) = examples_of(page)
    assert (example.source.text, example.output and example.output.text) == ("SELECT 1;", "1")
    for bad in ("```python\nprint()\n```\n", "```text\nalone\n```\n", "```sql\nx\n```\nwords\n```text\n1\n```\n"):
        page.write_text(bad)
        with pytest.raises(PageError):
            examples_of(page)


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a | b\n---+---\n…  | 2", "  a   |  b\n------+----\n x y  | 2\n", True),
        ("a\n…\nz", "a\nb\nc\nz", True),
        ("a\n…\nz", "a\nz", False),
        ("1.5000", "1.50001", False),
        ("a.c", "abc", False),
        ("a", "a\nb", False),
    ],
)
def test_text_is_compared_by_lines(expected: str, actual: str, same: bool) -> None:
    assert matches_text(expected, actual) is same


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ({"id": "…", "name": "a"}, {"id": 7, "name": "a"}, True),
        ({"id": "…"}, {"id": 7, "name": "a"}, False),
        ({"name": "SYSTEM_…"}, {"name": "SYSTEM_GC"}, True),
        ({"name": "SYSTEM_…"}, {"name": "USER_GC"}, False),
        ([1, "…"], [1, 2, 3], True),
        ([1, "…"], [2, 2, 3], False),
        ([1], [1, 2], False),
        (True, 1, False),
    ],
)
def test_json_is_compared_by_value(expected: object, actual: object, same: bool) -> None:
    assert matches_json(expected, actual) is same


def test_http_answers_are_compared_by_status_shown_headers_and_digits() -> None:
    actual = 'HTTP/1.1 201 Created\r\nA: 1\r\nB: 2\r\n\r\n{"amount":25.5}'
    assert matches_http('HTTP/1.1 201 Created\nB: 2\n\n{"amount": 25.5}', actual)
    assert not matches_http('HTTP/1.1 200 OK\n\n{"amount": 25.5}', actual)
    assert not matches_http('HTTP/1.1 201 Created\nC: 3\n\n{"amount": 25.5}', actual)
    assert not matches_http('HTTP/1.1 201 Created\n\n{"amount": 25.50}', actual)
