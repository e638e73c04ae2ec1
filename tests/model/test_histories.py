"""The wallet does what the plain model says, over SQL and over HTTP, in random histories of every operation."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import Connect, StartService
from tests.model.books import Books
from tests.model.callers import HttpCaller, SqlCaller
from tests.model.machine import machine_on
from tests.model.running import effort, run_histories


@pytest.fixture
def books(database_url: str, connect: Connect, start_service: StartService) -> Iterator[Books]:
    """A database, with a `wallet serve` on it."""
    with start_service(database_url) as service, closing(HttpCaller(service.base_url)) as over_http:
        yield Books(connect(database_url), [SqlCaller(connect(database_url)), over_http])


def test_random_histories_agree_with_the_model(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers, balances, versions, keys and pages, after each of some thousand operations."""
    drawn = effort()
    with capsys.disabled():
        print(f"\n{drawn}")
    run_histories(machine_on(books), drawn)
