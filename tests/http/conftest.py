"""What the HTTP tests share."""

import logging
from collections.abc import Iterator

import aiohttp
import pytest

from tests.conftest import Connect
from tests.http.api import Api
from tests.support.ledger import Ledger


@pytest.fixture
def api(client: aiohttp.ClientSession) -> Api:
    """The endpoints of the application on `seeded_url`."""
    return Api(client)


@pytest.fixture
def books(seeded_url: str, connect: Connect) -> Ledger:
    """The tables behind `api`, by SQL."""
    return Ledger(connect(seeded_url))


@pytest.fixture(autouse=True)
def no_errors_are_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever callers send, nothing is logged as an error: errors are bugs, for somebody to look at."""
    yield
    errors = [one.getMessage() for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert errors == []
