"""A server per module, a database per test."""

from collections.abc import Iterator

import pytest

from tests.faults.postmaster import Postmaster
from tests.support.database import SEEDED, Databases


@pytest.fixture(scope="module")
def postmaster() -> Iterator[Postmaster]:
    """A server that faults may be done to; each test leaves it running."""
    server = Postmaster()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def own_databases(postmaster: Postmaster) -> Databases:
    """The databases of that server."""
    return Databases(postmaster)


@pytest.fixture
def own_url(own_databases: Databases) -> Iterator[str]:
    """A migrated database with the demo data on that server, for the superuser."""
    with own_databases.fresh(SEEDED) as url:
        yield url
