"""A batch is answered as if its requests were run one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Answer, Ledger, Request

BATCH_MAX = 1000


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test takes wallets and keys of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


class World(NamedTuple):
    """Two wallets of an asset with 2 decimals, one of an asset with 4."""

    assets: tuple[UUID, UUID]
    wallets: tuple[UUID, UUID, UUID]


def new_world(ledger: Ledger) -> World:
    first, second = ledger.create_asset_type("TWO", 2), ledger.create_asset_type("FOUR", 4)
    wallets = (ledger.create_wallet(first), ledger.create_wallet(first), ledger.create_wallet(second))
    return World((first, second), wallets)


class Draft(NamedTuple):
    """A request before it is given to one world or another."""

    type: str
    key: int
    wallet: int
    """Index of the wallet; 3 is no account."""
    asset: int
    """0 is the wallet's own asset, 1 the other one, 2 no asset."""
    amount: Decimal

    def request(self, world: World, prefix: str) -> Request:
        """Make the request of it."""
        account_id = (*world.wallets, UUID(int=7))[self.wallet]
        own = 1 if self.wallet == 2 else 0
        asset_type_id = (world.assets[own], world.assets[1 - own], UUID(int=8))[self.asset]
        return Request(
            type=self.type,
            key=f"{prefix}:{self.key}",
            account_id=account_id,
            asset_type_id=asset_type_id,
            amount=self.amount,
        )


def outcomes(answers: Sequence[Answer]) -> list[tuple[str, str | None]]:
    """Give what became of each request, with the code of a refusal."""
    return [(one.outcome, one.code) for one in answers]


def history(ledger: Ledger, wallet: UUID) -> list[tuple[object, ...]]:
    """Give a wallet's entries without ids and instants."""
    return ledger.connection.execute(
        "SELECT version, entry_type::text, leg, amount, balance_after FROM wallet.ledger_entries"
        " WHERE account_id = %s ORDER BY version",
        [wallet],
    ).fetchall()


def test_the_books_are_whole_after_all_of_this(ledger: Ledger) -> None:
    """Whatever was posted by the tests of this module so far."""
    world = new_world(ledger)
    ledger.post([Draft("TOP_UP", 1, 0, 0, Decimal(1)).request(world, "whole")])
    assert ledger.problems() == {}


@pytest.fixture
def world(ledger: Ledger) -> World:
    return new_world(ledger)


@pytest.fixture
def good(ledger: Ledger, world: World) -> Request:
    return Request(key="", account_id=world.wallets[0], asset_type_id=world.assets[0], amount=1)


def test_one_bad_request_harms_no_other(ledger: Ledger, good: Request) -> None:
    """Good, bad, repeated and overdrawing requests side by side."""
    keys = [ledger.new_key() for _ in range(4)]
    answers = ledger.post(
        [
            replace(good, key=keys[0], amount=5),
            replace(good, key=keys[1], type="SPEND", amount=6),
            replace(good, key=keys[0], amount=5),
            replace(good, key=keys[0], amount=4),
            replace(good, key=None),
            replace(good, key=keys[2], account_id=uuid4()),
            replace(good, key=keys[2], amount="NaN"),
            replace(good, key=keys[3], type="SPEND", amount=5),
            replace(good, key=keys[1], type="SPEND", amount=1),
        ]
    )
    assert outcomes(answers) == [
        ("POSTED", None),
        ("REFUSED", "insufficient_balance"),
        ("REPLAYED", None),
        ("REFUSED", "idempotency_key_reused"),
        ("REFUSED", "idempotency_key_missing"),
        ("REFUSED", "account_not_found"),
        ("REFUSED", "validation_failed"),
        ("POSTED", None),
        ("REFUSED", "insufficient_balance"),
    ]
    assert answers[0].transaction_id == answers[2].transaction_id
    assert answers[1].error == "Insufficient balance: 5 available, 6 asked for."
    assert answers[8].error == "Insufficient balance: 0 available, 1 asked for."
    assert list(answers[3].details or {}) == ["amount"]
    assert good.account_id is not None
    assert ledger.balance(good.account_id) == 0


def test_a_batch_of_refusals_writes_nothing(ledger: Ledger, good: Request) -> None:
    """No row anywhere, whatever the reason."""
    before = ledger.state()
    answers = ledger.post(
        [
            replace(good, key="r1", type="SPEND"),
            replace(good, key="r1", type="SPEND", amount=2),
            replace(good, key="r2", asset_type_id=uuid4()),
            replace(good, key="r3", amount=0),
        ]
    )
    assert {one.outcome for one in answers} == {"REFUSED"}
    assert ledger.state() == before


def test_a_batch_may_use_several_assets(ledger: Ledger, world: World) -> None:
    """Every asset has its own treasury; the transactions stay inside their asset."""
    requests = [
        Draft(kind, number, wallet, 0, Decimal(amount)).request(world, "several")
        for number, (kind, wallet, amount) in enumerate(
            [("TOP_UP", 0, 3), ("BONUS", 2, 4), ("SPEND", 0, 1), ("SPEND", 2, 5), ("SPEND", 2, 4)]
        )
    ]
    assert [one.outcome for one in ledger.post(requests)] == ["POSTED", "POSTED", "POSTED", "REFUSED", "POSTED"]
    assert [ledger.balance(one) for one in world.wallets] == [2, 0, 0]


def test_the_largest_batch(ledger: Ledger, good: Request, world: World) -> None:
    """1000 requests in one call, in order."""
    requests = [
        replace(good, key=f"large{number}", type="TOP_UP" if number % 2 == 0 else "SPEND")
        for number in range(BATCH_MAX)
    ]
    answers = ledger.post(requests)
    assert {one.outcome for one in answers} == {"POSTED"}
    assert [version for version, *_ in history(ledger, world.wallets[0])] == list(range(1, BATCH_MAX + 1))
    assert [balance for *_, balance in history(ledger, world.wallets[0])] == [1, 0] * (BATCH_MAX // 2)
    again = ledger.post(requests)
    assert {one.outcome for one in again} == {"REPLAYED"}
    assert [one.transaction_id for one in again] == [one.transaction_id for one in answers]


def test_the_newest_of_a_batch_is_the_last(ledger: Ledger, good: Request) -> None:
    """Ids, and so the lists, keep the order of the requests."""
    answers = ledger.post([replace(good, key=f"order{number}") for number in (3, 1, 2)])
    ids = [str(one.transaction_id) for one in answers]
    assert ids == sorted(ids)
