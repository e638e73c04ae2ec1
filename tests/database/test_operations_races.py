"""Many sessions with operations of every kind on the same few wallets: no deadlock, nothing lost, nothing twice."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import psycopg
import pytest

from tests.database.operation_scene import Scene, make_scene
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Answer, Ledger
from tests.support.operations import Operation, entry, post
from tests.support.session import LEVELS, READ_COMMITTED, retried

SESSIONS = 6
BATCHES = 12


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test has wallets of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def post_at(level: str, ledger: Ledger, operations: list[Operation]) -> list[Answer]:
    """Post a batch in a transaction of a level, and again when it has lost a race. Nobody may be in a deadlock."""

    def attempt() -> list[Answer]:
        with ledger.connection.transaction():
            ledger.connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            try:
                return post(ledger, operations)
            except psycopg.errors.DeadlockDetected as error:
                raise AssertionError("the locks were taken in two orders") from error

    if level == READ_COMMITTED:
        return attempt()
    return retried(attempt)


@pytest.mark.parametrize("level", LEVELS)
def test_everything_at_once(level: str, database_url: str, scene: Scene) -> None:
    """Opposite transfers and conversions, refunds of one spend, ends of the same holds: the books are right after."""
    ledger = scene.ledger
    back = ledger.create_wallet(scene.points)
    for wallet in (scene.zoe, scene.cid, back):
        ledger.top_up(wallet, 100)
    spend = scene.do("SPEND", amount=40).id
    holds = [scene.do("HOLD", amount=1).id for _ in range(30)]

    def operations(order: random.Random) -> list[Operation]:
        one, other = order.sample([scene.ann, scene.bob, scene.zoe], 2)
        points = order.sample([scene.cid, back], 2)
        kinds = [
            scene.operation("TRANSFER", account_id=one, to_account_id=other, amount=1),
            scene.operation("TRANSFER", account_id=other, to_account_id=one, amount=2),
            scene.operation("CONVERSION", account_id=one, to_account_id=points[0], amount=1),
            scene.operation("CONVERSION", account_id=points[1], to_account_id=other, amount=1, rate=1),
            scene.operation("JOURNAL", entries=[entry(other, "DEBIT", 1), entry(one, "CREDIT", 1)]),
            scene.operation("HOLD", account_id=one, amount=1, to_account_id=order.choice([None, other])),
            scene.operation("CAPTURE", related_id=order.choice(holds)),
            scene.operation("VOID", related_id=order.choice(holds)),
            scene.operation("REFUND", related_id=spend, amount=1),
            scene.operation("TOP_UP", account_id=one, amount=1),
            scene.operation("SPEND", account_id=one, amount=1),
        ]
        return order.sample(kinds, order.randint(1, len(kinds)))

    def work(number: int) -> Counter[str]:
        order = random.Random(number)
        codes: Counter[str] = Counter()
        with closing(psycopg.connect(database_url, autocommit=True)) as connection:
            for _ in range(BATCHES):
                for answer in post_at(level, Ledger(connection), operations(order)):
                    codes[answer.code or answer.outcome] += 1
        return codes

    with ThreadPoolExecutor(SESSIONS) as threads:
        codes = sum(threads.map(work, range(SESSIONS)), Counter[str]())
    assert set(codes) <= {
        "POSTED", "insufficient_balance", "hold_captured", "hold_voided", "refund_exceeds_amount",
    }  # fmt: skip
    assert codes["POSTED"] > 100
    assert ledger.problems() == {}


def test_one_transaction_is_refunded_once_in_all(database_url: str, scene: Scene) -> None:
    """Ten sessions ask for a third of it each, again and again: three times is all there is."""
    spend = scene.do("SPEND", amount=9).id

    def work(_: int) -> list[str]:
        with closing(psycopg.connect(database_url, autocommit=True)) as connection:
            ledger = Ledger(connection)
            return [
                answer.code or answer.outcome
                for _ in range(3)
                for answer in post(ledger, [scene.operation("REFUND", related_id=spend, amount=3)])
            ]

    with ThreadPoolExecutor(10) as threads:
        codes = Counter(code for codes in threads.map(work, range(10)) for code in codes)
    assert codes == {"POSTED": 3, "refund_exceeds_amount": 27}
    assert scene.ledger.balance(scene.ann) == 100
    assert scene.ledger.problems() == {}


def test_holds_reserve_no_more_than_there_is(database_url: str, scene: Scene) -> None:
    """Eight sessions hold 7 of 100 as often as they can: fourteen times; then all are ended by four, each once."""

    def hold(_: int) -> list[UUID]:
        with closing(psycopg.connect(database_url, autocommit=True)) as connection:
            answers = [post(Ledger(connection), [scene.operation("HOLD", amount=7)])[0] for _ in range(4)]
        return [one.transaction_id for one in answers if one.transaction_id is not None]

    with ThreadPoolExecutor(8) as threads:
        holds = [one for made in threads.map(hold, range(8)) for one in made]
    assert len(holds) == 14
    assert scene.ask("SPEND", amount="2.01").code == "insufficient_balance"

    def end(kind: str) -> list[str]:
        with closing(psycopg.connect(database_url, autocommit=True)) as connection:
            ledger = Ledger(connection)
            return [
                answer.code or answer.outcome
                for one in holds
                for answer in post(ledger, [scene.operation(kind, related_id=one)])
            ]

    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(end, ["CAPTURE", "VOID", "CAPTURE", "VOID"]))
    for codes in zip(*ends, strict=True):
        winner = {"POSTED": 1, **Counter({"hold_captured": 3})}
        assert Counter(codes) in (winner, {"POSTED": 1, "hold_voided": 3})
    captured = sum(codes.count("POSTED") for codes in (ends[0], ends[2]))
    assert scene.ledger.balance(scene.ann) == 100 - 7 * captured
    assert scene.ledger.problems() == {}
