"""Amounts: the digits sent are the digits kept."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.refusal import refused


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test takes a wallet of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def asset(ledger: Ledger) -> UUID:
    return ledger.create_asset_type()


@pytest.fixture
def wallet(ledger: Ledger, asset: UUID) -> UUID:
    return ledger.create_wallet(asset)


@pytest.mark.parametrize(
    "amount",
    [
        "0.0001", "0.1", "1", "1.10", "9007199254740993", "90071992547409.0001",
        "99999999999999.9999", "99999999999999", "1.00000000", "1e3", "1e-4",
    ],
)  # fmt: skip
def test_digits_are_kept(ledger: Ledger, wallet: UUID, amount: str) -> None:
    """Up to 14 digits before the point and 4 after it, on the way in and out."""
    if Decimal(amount) >= 10**14:
        with refused(ledger, "validation_failed"):
            ledger.top_up(wallet, amount)
        return
    posted = ledger.top_up(wallet, amount)
    assert posted.answer["amount"] == Decimal(amount)
    assert ledger.balance(wallet) == Decimal(amount)


@pytest.mark.parametrize(
    "amount",
    [
        "0", "0.0000", "-0", "-0.0001", "-1", "NaN", "Infinity", "-Infinity", "0.00001", "1.00001",
        "100000000000000", "1e14", "1e1000", "1e-1000", "99999999999999.99999",
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", ["top_up", "bonus", "spend"])
def test_what_is_no_amount_is_refused(ledger: Ledger, wallet: UUID, function: str, amount: str) -> None:
    """Zero, less than zero, not finite, too many digits on either side."""
    with refused(ledger, "validation_failed") as refusal:
        getattr(ledger, function)(wallet, amount)
    assert list(refusal.details) == ["amount"]


def test_a_tenth_ten_times_is_one(ledger: Ledger, wallet: UUID) -> None:
    """No binary fraction anywhere."""
    for _ in range(10):
        ledger.top_up(wallet, "0.1")
    assert ledger.balance(wallet) == 1
    ledger.spend(wallet, 1)
    assert ledger.balance(wallet) == 0


@pytest.mark.parametrize("decimals", [0, 2])
def test_an_asset_with_fewer_decimals(ledger: Ledger, decimals: int) -> None:
    """One digit more than the asset has is refused; zeros there are none."""
    wallet = ledger.create_wallet(ledger.create_asset_type(f"D{decimals}", decimals))
    smallest = Decimal(1).scaleb(-decimals)
    ledger.top_up(wallet, smallest)
    ledger.top_up(wallet, f"{smallest}{'' if decimals else '.'}00")
    assert ledger.balance(wallet) == smallest * 2
    with refused(ledger, "validation_failed") as refusal:
        ledger.top_up(wallet, smallest / 10)
    assert list(refusal.details) == ["amount"]
    with refused(ledger, "validation_failed"):
        ledger.spend(wallet, smallest + smallest / 10)
    ledger.spend(wallet, smallest * 2)


def test_balances_may_grow_beyond_an_amount(ledger: Ledger, wallet: UUID, asset: UUID) -> None:
    """Many of the largest amounts add up exactly, on the treasury below zero too."""
    before = ledger.balance(ledger.treasury(asset))
    for _ in range(20):
        ledger.top_up(wallet, "99999999999999.9999")
    assert ledger.balance(wallet) == Decimal("1999999999999999.9980")
    assert ledger.balance(ledger.treasury(asset)) - before == Decimal("-1999999999999999.9980")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(
        st.integers(min_value=1, max_value=10**18 - 1).map(lambda number: Decimal(number).scaleb(-4)),
        min_size=1,
        max_size=8,
    )
)
def test_a_balance_is_the_exact_sum(ledger: Ledger, asset: UUID, amounts: list[Decimal]) -> None:
    """Whatever the digits: the sum of what went in, then zero when all of it went out."""
    wallet = ledger.create_wallet(asset)
    for amount in amounts:
        assert ledger.top_up(wallet, amount).answer["amount"] == amount
    assert ledger.balance(wallet) == sum(amounts)
    for amount in amounts:
        ledger.spend(wallet, amount)
    assert ledger.balance(wallet) == 0
