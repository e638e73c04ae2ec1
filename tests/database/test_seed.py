"""The demo data of seed.sql."""

from decimal import Decimal

import psycopg

from service import resources
from tests.conftest import Connect
from tests.support.ledger import Ledger

USERS = {
    "USER_ALICE_GC": 1000,
    "USER_ALICE_DM": 50,
    "USER_ALICE_LP": 500,
    "USER_BOB_GC": 500,
    "USER_BOB_DM": 25,
    "USER_BOB_LP": 200,
}


def seed(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(resources.seed_file().read_bytes())


def test_the_balances_are_those_of_the_contract(seeded_url: str, connect: Connect) -> None:
    """Users as promised, treasuries owe it, nothing was spent or converted."""
    ledger = Ledger(connect(seeded_url))
    issued = {"GC": 1500, "DM": 75, "LP": 700}
    expected = dict(USERS)
    expected |= {f"SYSTEM_TREASURY_{symbol}": -amount for symbol, amount in issued.items()}
    expected |= {f"SYSTEM_{kind}_{symbol}": 0 for kind in ("REVENUE", "CONVERSION") for symbol in issued}
    assert ledger.balances() == {name: Decimal(amount) for name, amount in expected.items()}


def test_the_assets_and_users_have_their_names(seeded_url: str, connect: Connect) -> None:
    """Gold Coins, Diamonds, Loyalty Points; Alice and Bob."""
    connection = connect(seeded_url)
    assets = connection.execute("SELECT symbol, name, is_active FROM wallet.asset_types ORDER BY symbol").fetchall()
    assert assets == [("DM", "Diamonds", True), ("GC", "Gold Coins", True), ("LP", "Loyalty Points", True)]
    users = connection.execute(
        "SELECT DISTINCT name FROM wallet.accounts WHERE account_type = 'USER' ORDER BY name"
    ).fetchall()
    assert users == [("Alice",), ("Bob",)]


def test_the_opening_balances_are_postings(seeded_url: str, connect: Connect) -> None:
    """Every balance has its entries, and the doctor finds nothing."""
    ledger = Ledger(connect(seeded_url))
    assert ledger.counts()["transactions"] == len(USERS)
    assert ledger.counts()["ledger_entries"] == 2 * len(USERS)
    assert ledger.problems() == {}


def test_seeding_again_changes_nothing(seeded_url: str, connect: Connect) -> None:
    """Not even after the users have spent something."""
    ledger = Ledger(connect(seeded_url))
    before = ledger.state()
    seed(seeded_url)
    assert ledger.state() == before
    row = ledger.connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_DM'").fetchone()
    assert row is not None
    ledger.spend(row[0], 25)
    before = ledger.state()
    seed(seeded_url)
    assert ledger.state() == before
    assert ledger.problems() == {}
