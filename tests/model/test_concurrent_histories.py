"""Many clients at once, over two services and over SQL at every isolation level: what they were told is explained."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from uuid import UUID

import pytest

from tests.conftest import Connect, StartService
from tests.model.callers import Made
from tests.model.clients import Client, HttpClient, Record, SqlClient, World
from tests.model.history import read_history, violations
from tests.model.running import effort
from tests.support.ledger import Ledger
from tests.support.operations import Operation
from tests.support.session import LEVELS, READ_COMMITTED

STEPS = 60
CLIENTS_PER_SERVICE = 4
STRIPES = 2
SHARED_COUNT = 40


def new_wallets(ledger: Ledger) -> list[tuple[UUID, UUID]]:
    """Few wallets in two assets, one of them in stripes, so that everybody meets everybody."""
    gold, diamonds = ledger.create_asset_type("GC"), ledger.create_asset_type("DM", 0)
    ledger.connection.execute("SELECT wallet.set_stripes('GC', %s)", [STRIPES])
    return [(ledger.create_wallet(asset), asset) for asset in (gold, gold, gold, diamonds, diamonds)]


def test_what_all_clients_were_told_can_be_explained(
    database_url: str, connect: Connect, start_service: StartService, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two services on one database, one at SERIALIZABLE and one with two lanes at READ COMMITTED, and jobs beside them.

    The rows are one book without a gap, no answer, refusal or read contradicts it, and each key was used up once.
    """
    seed = effort().seed
    with capsys.disabled():
        print(f"\nMODEL_SEED={seed}")
    ledger = Ledger(connect(database_url))
    wallets = new_wallets(ledger)
    levels = (READ_COMMITTED, *LEVELS)
    world = World(
        wallets,
        [
            Operation(
                type="TOP_UP" if number % 2 else "SPEND",
                key=f"shared:{number}",
                account_id=wallets[number % len(wallets)][0],
                asset_type_id=wallets[number % len(wallets)][1],
                amount=Decimal(1 + number % 9),
            )
            for number in range(SHARED_COUNT)
        ],
        Barrier(2 * CLIENTS_PER_SERVICE + len(levels)),
    )
    record = Record()
    with (
        start_service(database_url) as alone,
        start_service(database_url, LANES="2", BATCH_SIZE="8") as in_lanes,
        ThreadPoolExecutor(world.start.parties) as threads,
    ):
        clients: list[Client] = [
            *(
                HttpClient(f"http-{number}", world, record, seed, (alone, in_lanes)[number % 2].base_url)
                for number in range(2 * CLIENTS_PER_SERVICE)
            ),
            *(
                SqlClient(f"sql-{number}", world, record, seed, database_url, level)
                for number, level in enumerate(levels)
            ),
        ]
        for done in [threads.submit(client.live, STEPS) for client in clients]:
            done.result()
    history = read_history(ledger.connection, record.calls, record.reads, frozenset(record.forgotten_keys))
    assert violations(history) == []
    assert ledger.problems() == {}
    check_that_much_happened(record)


def check_that_much_happened(record: Record) -> None:
    """Of each sort of answer there were some: a quiet run would prove nothing."""
    told = Counter(
        ("replayed" if call.answer.replayed else "posted") if isinstance(call.answer, Made) else call.answer.code
        for call in record.calls
    )
    print(dict(told), Counter(record.repeats), f"{len(record.reads)} reads")
    assert told["posted"] > 200
    assert told["replayed"] > 20
    assert told["insufficient_balance"] > 20
    assert told["idempotency_key_reused"] > 5
    assert len(record.reads) > 50
    assert record.forgotten_keys
