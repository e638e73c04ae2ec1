"""Races at every isolation level, each in a fixed order.

Under READ COMMITTED the second of two sessions goes on with what the first committed. Under the stricter levels
it gets 40001 and runs its transaction again.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, TypeVar
from uuid import UUID

import psycopg
import pytest

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Answer, Ledger, Posted, Request
from tests.support.session import (
    LEVELS,
    READ_COMMITTED,
    SERIALIZABLE,
    Session,
    result_of,
    retried,
)

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test takes wallets and keys of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def sessions(database_url: str) -> Iterator[tuple[Session, Session]]:
    with Session(database_url) as first, Session(database_url) as second:
        yield first, second


class World(NamedTuple):
    """Two wallets with 100 each, of one asset."""

    asset_type_id: UUID
    one: UUID
    two: UUID

    def request(self, ledger: Ledger, **fields: object) -> Request:
        """Make a good request for wallet `one`, under a new key."""
        good = Request(key=ledger.new_key(), account_id=self.one, asset_type_id=self.asset_type_id, amount=Decimal(1))
        return replace(good, **fields)  # type: ignore[arg-type]  # of many types


@pytest.fixture
def world(ledger: Ledger) -> World:
    asset_type_id = ledger.create_asset_type()
    wallets = [ledger.create_wallet(asset_type_id) for _ in range(2)]
    for wallet in wallets:
        ledger.top_up(wallet, 100)
    return World(asset_type_id, *wallets)


def after_commit(
    level: str, sessions: tuple[Session, Session], first: Callable[[Ledger], object], second: Callable[[Ledger], Result]
) -> Result:
    """Run `first` in one session, let `second` wait for it in the other, then commit.

    Gives what `second` gave or raises what it raised, in the end: at the stricter levels it must lose first.
    """
    one, two = sessions
    one.begin(level)
    first(one.ledger)
    two.begin(level)
    waiting = two.start_and_block(second)
    one.commit()
    if level != READ_COMMITTED:
        with pytest.raises(psycopg.errors.SerializationFailure):
            result_of(waiting)
        two.rollback()
        two.begin(level)
        waiting = two.start(second)
    return finish(two, waiting)


def after_rollback(
    level: str, sessions: tuple[Session, Session], first: Callable[[Ledger], object], second: Callable[[Ledger], Result]
) -> Result:
    """As `after_commit`, but the first session rolls back: the second goes on at every level."""
    one, two = sessions
    one.begin(level)
    first(one.ledger)
    two.begin(level)
    waiting = two.start_and_block(second)
    one.rollback()
    return finish(two, waiting)


def finish(session: Session, waiting: "Future[Result]") -> Result:
    """End the session's transaction as its call ended."""
    try:
        result = result_of(waiting)
    except psycopg.Error:
        session.rollback()
        raise
    session.commit()
    return result


def refusal(call: Callable[[], object]) -> str | None:
    """Give the code with which a call is refused."""
    with pytest.raises(psycopg.DatabaseError) as raised:
        call()
    return raised.value.diag.message_hint or raised.value.sqlstate


@pytest.mark.parametrize("level", LEVELS)
def test_the_last_coin_is_spent_once(
    level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """Two spends of all there is: one wins, the other is told that nothing is available."""
    spend = [world.request(ledger, type="SPEND", amount=100) for _ in range(2)]
    code = refusal(
        lambda: after_commit(level, sessions, lambda one: one.call(spend[0]), lambda two: two.call(spend[1]))
    )
    assert code == "insufficient_balance"
    assert ledger.balance(world.one) == 0
    assert ledger.problems() == {}


@pytest.mark.parametrize("level", LEVELS)
def test_the_last_coin_is_there_again_when_the_first_gives_up(
    level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """A spend that rolls back has spent nothing."""
    spend = [world.request(ledger, type="SPEND", amount=100) for _ in range(2)]
    posted = after_rollback(level, sessions, lambda one: one.call(spend[0]), lambda two: two.call(spend[1]))
    assert not posted.replayed
    assert ledger.balance(world.one) == 0
    assert ledger.problems() == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["TOP_UP", "SPEND"])
def test_one_key_posts_once(
    level: str, kind: str, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """The second session with the same request gets the first's transaction."""
    request = world.request(ledger, type=kind)
    firsts: list[Posted] = []
    second = after_commit(level, sessions, lambda one: firsts.append(one.call(request)), lambda two: two.call(request))
    assert second.replayed
    assert second.answer == firsts[0].answer
    assert ledger.balance(world.one) == (101 if kind == "TOP_UP" else 99)


@pytest.mark.parametrize("level", LEVELS)
def test_one_key_is_free_again_when_the_first_rolls_back(
    level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """The second session posts then."""
    request = world.request(ledger)
    second = after_rollback(level, sessions, lambda one: one.call(request), lambda two: two.call(request))
    assert not second.replayed
    assert ledger.balance(world.one) == 101
    assert ledger.problems() == {}


@pytest.mark.parametrize("level", LEVELS)
def test_one_key_for_two_wallets(level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger) -> None:
    """With no account in common the second waits for the key alone, then learns that it was used."""
    request = world.request(ledger)
    code = refusal(
        lambda: after_commit(
            level,
            sessions,
            lambda one: one.call(request),
            lambda two: two.call(replace(request, type="SPEND", account_id=world.two)),
        )
    )
    assert code == "idempotency_key_reused"
    assert [ledger.balance(world.one), ledger.balance(world.two)] == [101, 100]


@pytest.mark.parametrize("level", LEVELS)
def test_one_key_of_a_refused_spend(
    level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """A claim that is given back in the same transaction keeps nobody from the key.

    The refused batch also posts under another key, so that its transaction writes and holds its locks.
    """
    request = world.request(ledger, type="SPEND", amount=1000)
    one, two = sessions
    one.begin(level)
    answers = one.ledger.post([request, world.request(ledger)])
    assert [answer.outcome for answer in answers] == ["REFUSED", "POSTED"]
    two.begin(level)
    other = replace(request, type="SPEND", amount=1, account_id=world.two)
    waiting = two.start_and_block(lambda ledger: ledger.call(other))
    one.commit()
    if level != READ_COMMITTED:
        # It waited for the revenue account or for the key; either may be fine at once.
        try:
            posted = finish(two, waiting)
        except psycopg.errors.SerializationFailure:
            posted = two.ledger.call(other)
    else:
        posted = finish(two, waiting)
    assert not posted.replayed
    assert ledger.balance(world.two) == 99


@pytest.mark.parametrize("level", LEVELS)
def test_one_account_per_key(level: str, sessions: tuple[Session, Session], world: World, ledger: Ledger) -> None:
    """The second session gets the first's account."""
    key = ledger.new_key()

    def create(any_ledger: Ledger) -> Posted:
        return any_ledger.create_account("N", world.asset_type_id, key=key)

    firsts: list[Posted] = []
    second = after_commit(level, sessions, lambda one: firsts.append(create(one)), create)
    assert second.replayed
    assert second.answer == firsts[0].answer


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("keyed", [True, False])
def test_one_account_per_external_id(
    level: str, keyed: bool, sessions: tuple[Session, Session], world: World, ledger: Ledger
) -> None:
    """external_id_taken for the second; when the first rolls back the second has it."""
    external_id = ledger.new_key()

    def create(any_ledger: Ledger) -> Posted:
        key = any_ledger.new_key() if keyed else None
        return any_ledger.create_account("N", world.asset_type_id, external_id, key=key)

    assert not after_rollback(level, sessions, create, create).replayed
    external_id = ledger.new_key()
    before = ledger.counts()
    with pytest.raises(psycopg.DatabaseError) as raised:
        after_commit(level, sessions, create, create)
    assert raised.value.sqlstate == "WL006"
    after = ledger.counts()
    assert after["accounts"] - before["accounts"] == 1
    assert after["idempotency_keys"] - before["idempotency_keys"] == int(keyed)


@pytest.mark.parametrize("level", LEVELS)
def test_one_asset_type_per_symbol(level: str, sessions: tuple[Session, Session], ledger: Ledger) -> None:
    """The second session gets the first's asset type, with its one pair of system accounts."""
    symbol = f"RACE{LEVELS.index(level)}"
    firsts: list[UUID] = []
    second = after_commit(
        level,
        sessions,
        lambda one: firsts.append(one.create_asset_type(symbol)),
        lambda two: two.create_asset_type(symbol),
    )
    assert second == firsts[0]
    assert ledger.problems() == {}


def test_the_gate_holds_postings_back(sessions: tuple[Session, Session], world: World, ledger: Ledger) -> None:
    """Whoever takes the gate in EXCLUSIVE mode posts alone."""
    one, two = sessions
    request = world.request(ledger)
    one.begin(READ_COMMITTED)
    one.connection.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
    waiting = two.start_and_block(lambda ledger: ledger.call(request))
    assert ledger.balance(world.one) == 100
    one.commit()
    assert not result_of(waiting).replayed


def test_readers_never_wait(sessions: tuple[Session, Session], world: World, ledger: Ledger) -> None:
    """While a posting is under way its accounts, lists and the doctor can be read, as they were."""
    one, two = sessions
    one.begin(SERIALIZABLE)
    one.connection.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
    one.ledger.call(world.request(ledger))
    two.connection.execute("SET lock_timeout = '1ms'")
    assert two.ledger.balance(world.one) == 100
    assert two.ledger.problems() == {}
    for call in ("get_account(%(id)s)", "list_ledger_entries(%(id)s)", "list_transactions(%(id)s)"):
        two.connection.execute(f"SELECT wallet.{call}".encode(), {"id": world.one})
    two.ledger.create_account("N", world.asset_type_id)
    one.commit()


def in_threads(url: str, count: int, work: Callable[[Ledger, int], Result]) -> list[Result]:
    """Run the work in that many sessions at once; give the results in order."""
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(count)]
        threads = stack.enter_context(ThreadPoolExecutor(max_workers=count))
        return list(threads.map(work, [Ledger(connection) for connection in connections], range(count)))


@pytest.mark.parametrize(("level", "threads", "each"), [(READ_COMMITTED, 8, 25), (SERIALIZABLE, 4, 15)])
def test_many_spends_never_overdraw(
    level: str, threads: int, each: int, database_url: str, world: World, ledger: Ledger
) -> None:
    """Twice as many spends of 1 as there are coins: exactly as many as there are coins succeed."""
    coins = threads * each // 2
    wallet = ledger.create_wallet(world.asset_type_id)
    ledger.top_up(wallet, coins)

    def spend(any_ledger: Ledger) -> Request:
        return world.request(any_ledger, type="SPEND", account_id=wallet)

    def is_posted(answers: list[Answer]) -> bool:
        assert answers[0].code in {None, "insufficient_balance"}
        return answers[0].outcome == "POSTED"

    def work(any_ledger: Ledger, number: int) -> int:
        any_ledger.connection.execute(f"SET default_transaction_isolation = '{level.lower()}'".encode())
        return sum(retried(lambda: is_posted(any_ledger.post([spend(any_ledger)]))) for _ in range(each))

    assert sum(in_threads(database_url, threads, work)) == coins
    assert ledger.balance(wallet) == 0
    assert ledger.problems() == {}


def test_opposite_orders_never_deadlock(database_url: str, world: World, ledger: Ledger) -> None:
    """Batches over the same wallets and keys in any order: no 40P01, and the sum is right."""
    wallets = [ledger.create_wallet(world.asset_type_id) for _ in range(6)]
    for wallet in wallets:
        ledger.top_up(wallet, 1000)
    keys = [ledger.new_key() for _ in range(40)]

    def work(any_ledger: Ledger, number: int) -> None:
        order = random.Random(number)
        for round_ in range(12):
            requests = [
                world.request(any_ledger, type=order.choice(["SPEND", "TOP_UP"]), account_id=wallet)
                for wallet in order.sample(wallets, len(wallets))
            ]
            # The same keys come from every session; whoever is first posts them.
            shared = [
                world.request(any_ledger, key=key, account_id=wallets[index % 6])
                for index, key in enumerate(keys[round_ * 3 : round_ * 3 + 3])
            ]
            batch = requests + shared
            order.shuffle(batch)
            answers = any_ledger.post(batch)
            assert {answer.outcome for answer in answers} <= {"POSTED", "REPLAYED"}

    in_threads(database_url, 4, work)
    assert ledger.problems() == {}


def test_the_gate_frees_serializable_of_conflicts(database_url: str, world: World, ledger: Ledger) -> None:
    """With the gate taken before the snapshot, as the service does it, nothing is ever run again."""

    def work(any_ledger: Ledger, number: int) -> None:
        for _ in range(20):
            connection = any_ledger.connection
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                connection.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
                any_ledger.post([world.request(any_ledger), world.request(any_ledger, account_id=world.two)])

    in_threads(database_url, 4, work)
    assert ledger.balance(world.one) == ledger.balance(world.two) == 180
    assert ledger.problems() == {}
