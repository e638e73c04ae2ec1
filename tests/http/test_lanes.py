"""Several lanes: batches that post side by side, each wallet in a lane of its own."""

import asyncio
import uuid
from collections.abc import Sequence

import pytest

from service.http.bodies import NULL
from service.posting import PostingAnswer, PostingLane, PostingRequest
from service.posting_queue import PostingQueue
from tests.conftest import Connect, StartApp
from tests.http.api import Api
from tests.http.test_concurrency import SCENARIOS, Scenario
from tests.http.waiting import until
from tests.support.database import Connection
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

LANES = 4


@pytest.fixture
def books(seeded_url: str, connect: Connect) -> Ledger:
    """The database under the application, with every asset in as many stripes as there are lanes."""
    connection = connect(seeded_url)
    connection.execute("SELECT wallet.set_stripes(symbol, %s) FROM wallet.asset_types", [LANES])
    return Ledger(connection)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_postings_side_by_side_are_exact(
    start_app: StartApp, seeded_url: str, books: Ledger, scenario: Scenario
) -> None:
    """The loads of test_concurrency over four lanes and four stripes: every answer exact, the doctor clean."""
    async with start_app(seeded_url, lanes=LANES, batch_size=8) as session:
        await scenario([Api(session)], books)


async def test_two_batches_are_in_the_database_at_once(
    start_app: StartApp, seeded_url: str, books: Ledger, connect: Connect
) -> None:
    """While a session holds one wallet's row, a wallet of another lane and stripe is posted to."""
    async with start_app(seeded_url, lanes=LANES) as session:
        api = Api(session)
        held = await api.wallet()
        others = [await api.wallet() for _ in range(40)]
        holder = connect(seeded_url)
        holder.execute("BEGIN")
        holder.execute("SELECT 1 FROM wallet.accounts WHERE id = %s FOR UPDATE", [held.id])
        waiting = asyncio.create_task(held.top_up("1"))
        await waits_for_a_lock(connect(seeded_url))
        treasury = holder.execute("SELECT (uuid_hash(%s) & 2147483647) %% %s", [held.id, LANES]).fetchone()
        free = [
            other
            for other in others
            if uuid.UUID(other.id).int % LANES != uuid.UUID(held.id).int % LANES
            and holder.execute("SELECT (uuid_hash(%s) & 2147483647) %% %s", [other.id, LANES]).fetchone() != treasury
        ]
        assert (await free[0].top_up("1")).status == 201
        assert not waiting.done()
        holder.execute("ROLLBACK")
        assert (await waiting).status == 201
    assert books.problems() == {}


async def waits_for_a_lock(connection: Connection) -> None:
    """Until some session of the database waits for a row."""

    async def waits() -> bool:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        return found != (0,)

    await until(waits, "a session waits for a row")


class RecordingLane(PostingLane):
    """A lane that keeps what it was given, and answers with the key."""

    def __init__(self) -> None:
        super().__init__("")
        self.keys: list[str] = []

    async def post(self, requests: Sequence[PostingRequest]) -> list[PostingAnswer | Exception]:
        """Answers each request."""
        self.keys += [one.idempotency_key for one in requests]
        return [PostingAnswer("POSTED", None, one.idempotency_key.encode()) for one in requests]


async def test_a_batch_over_several_lanes_keeps_each_wallets_order() -> None:
    """Answers come in the order of the requests, and one wallet's requests reach one lane in their order."""
    lanes = [RecordingLane() for _ in range(3)]
    queue = PostingQueue(lanes, 2, 1000)
    wallets = [uuid.uuid4() for _ in range(7)]
    requests = [
        PostingRequest("TOP_UP", f"{place}", wallets[place % 7], uuid.uuid4(), "1", None, None, NULL)
        for place in range(50)
    ]
    answers = await queue.submit_all(requests)
    await queue.close()
    assert [answer.answer for answer in answers if isinstance(answer, PostingAnswer)] == [
        one.idempotency_key.encode() for one in requests
    ]
    for wallet in range(7):
        own = [f"{place}" for place in range(50) if place % 7 == wallet]
        assert [key for lane in lanes for key in lane.keys if key in own] == own
        assert sum(bool(set(own) & set(lane.keys)) for lane in lanes) == 1
