"""What the tests of webhooks share: a service that may send to this machine, a receiver, and the rows behind both."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Connect, StartApp
from tests.http.api import Api
from tests.support.database import Connection
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.scene import Hooks


@pytest.fixture
async def api(anyio_backend: str, seeded_url: str, start_app: StartApp) -> AsyncIterator[Api]:
    """The endpoints of a service that sends to any address."""
    async with start_app(seeded_url, webhook_targets="any") as session:
        yield Api(session)


@pytest.fixture
async def receiver(anyio_backend: str) -> AsyncIterator[Receiver]:
    """A receiver that takes everything, unless a test says otherwise."""
    async with receiving() as one:
        yield one


@pytest.fixture
def rows(seeded_url: str, connect: Connect) -> Connection:
    """The tables behind the service, for the superuser."""
    return connect(seeded_url)


@pytest.fixture
def hooks(api: Api, rows: Connection) -> Hooks:
    """Webhooks, by HTTP and by SQL."""
    return Hooks(api, rows)
