"""A batch of operations of every kind is answered as if they were run one after the other."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Answer, Ledger
from tests.support.operations import TYPES, Operation, change_account, entry, post

NOBODY = UUID(int=7)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every example has wallets and keys of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


class World:
    """Two wallets of coins with 2 decimals and one of points with 4, and all that was made on them."""

    _numbers = itertools.count()

    def __init__(self, ledger: Ledger) -> None:
        number = next(self._numbers)
        self.ledger = ledger
        self.prefix = f"world{number}"
        self.assets = [
            ledger.create_asset_type(f"B{kind}{number}", decimals) for kind, decimals in (("C", 2), ("P", 4))
        ]
        self.wallets = [ledger.create_wallet(self.assets[which]) for which in (0, 0, 1)]
        self.transactions: list[UUID] = []
        self.holds: list[UUID] = []

    def operation(self, draft: dict[str, Any]) -> Operation:
        """Make of a draft an operation of this world."""
        kind, amount = draft["kind"], draft["amount"]
        one, other = ((*self.wallets, NOBODY)[draft[name]] for name in ("one", "other"))
        if draft["fits"]:
            other = self.wallets[{0: 1, 1: 0, 2: 0, 3: 0}[draft["one"]]]
            if kind == "CONVERSION":
                other = self.wallets[2 if draft["one"] != 2 else draft["which"] % 2]
        asset = self.assets[1 if draft["one"] == 2 else 0]
        values: dict[str, Any] = {"amount": None if kind in ("JOURNAL", "VOID") else amount}
        if kind in ("REFUND", "CAPTURE", "VOID"):
            made = self.transactions if kind == "REFUND" else self.holds
            values |= {"related_id": made[draft["which"] % len(made)] if made else NOBODY}
            if draft["whole"]:
                values |= {"amount": None}
        elif kind == "JOURNAL":
            third = (*self.wallets, NOBODY)[3 - draft["one"]]
            values |= {
                "asset_type_id": asset,
                "entries": [entry(one, "DEBIT", amount), entry(other, "CREDIT", amount)]
                + ([entry(third, "CREDIT", 1)] if draft["whole"] and not draft["fits"] else []),
            }
        else:
            values |= {"account_id": one}
            if kind != "CONVERSION":
                values |= {"asset_type_id": asset}
            if kind in ("TRANSFER", "CONVERSION") or (kind == "HOLD" and draft["whole"]):
                values |= {"to_account_id": other}
        if kind == "CONVERSION":
            values |= {"rate": draft["rate"]}
        if kind == "REFUND":
            values |= {"on_shortfall": "debt" if draft["owes"] else None}
        return Operation(type=kind, key=f"{self.prefix}:{draft['key']}", **values)

    def learn(self, drafts: Sequence[dict[str, Any]], answers: Sequence[Answer]) -> None:
        """Keep what was made, for later refunds and captures."""
        for draft, answer in zip(drafts, answers, strict=True):
            if answer.outcome == "POSTED" and draft["kind"] != "VOID":
                assert answer.transaction_id is not None
                (self.holds if draft["kind"] == "HOLD" else self.transactions).append(answer.transaction_id)

    def change(self, change: tuple[int, str, object]) -> str | None:
        """Change a setting of a wallet; give the code of a refusal."""
        which, name, value = change
        try:
            change_account(self.ledger, self.wallets[which], **{name: value})
        except psycopg.DatabaseError as error:
            return error.diag.message_hint
        return None

    def state(self) -> list[Any]:
        """Give all there is of this world, without ids and instants."""
        query = self.ledger.connection.execute
        accounts = [
            query(
                "SELECT account_type::text, stripe, version, balance, held, status::text FROM wallet.accounts"
                " WHERE asset_type_id = %s ORDER BY account_type, id = ANY(%s), id",
                [asset, self.wallets],
            ).fetchall()
            for asset in self.assets
        ]
        by_wallet = [
            query(
                "SELECT version, entry_type::text, leg, amount, balance_after FROM wallet.ledger_entries"
                " WHERE account_id = %s ORDER BY version",
                [wallet],
            ).fetchall()
            for wallet in self.wallets
        ]
        holds = query(
            "SELECT amount, state::text, captured, capture_id IS NULL FROM wallet.holds WHERE id = ANY(%s)",
            [self.holds],
        ).fetchall()
        refunds = query(
            "SELECT t.type::text, r.amount, r.refunded FROM wallet.refund_totals AS r"
            " JOIN wallet.transactions AS t ON t.id = r.transaction_id WHERE t.id = ANY(%s)",
            [self.transactions],
        ).fetchall()
        keys = query("SELECT count(*) FROM wallet.idempotency_keys WHERE key LIKE %s", [f"{self.prefix}:%"]).fetchall()
        # Not in order of their ids: a refused operation passes its number on with its key.
        return [[sorted(rows) for rows in accounts], by_wallet, sorted(holds), sorted(refunds), keys]


AMOUNTS = [Decimal(text) for text in ("1", "1", "1", "2", "2", "3", "3", "5", "5", "0.01", "0.5", "10", "0.001", "0")]
RATES = [Decimal(text) for text in ("1", "1", "0.333333", "2.5", "0.000000000001", "0")]

drafts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from((*TYPES, "TOP_UP", "HOLD", "HOLD", "CAPTURE", "REFUND", "REFUND")),
        "key": st.integers(0, 80),
        "one": st.sampled_from([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]),
        "other": st.integers(0, 3),
        # Whether it is another account of the kind that there must be.
        "fits": st.sampled_from([True] * 9 + [False]),
        "amount": st.sampled_from(
            [Decimal(text) for text in ["1", "1", "1", "2", "2", "3", "3", "5", "5", "0.01", "0.5", "10", "0.001", "0"]]
        ),
        "which": st.integers(0, 20),
        "whole": st.booleans(),
        "owes": st.booleans(),
        "rate": st.sampled_from(RATES),
    }
)
changes = st.sampled_from(
    [
        (0, "status", "FROZEN"), (0, "status", "ACTIVE"), (1, "status", "FROZEN"), (1, "status", "ACTIVE"),
        (0, "creditsAllowed", False), (0, "creditsAllowed", True), (1, "balanceMax", 6), (1, "balanceMax", None),
        (0, "creditLimit", 4), (0, "creditLimit", 0), (1, "debtMax", 5), (1, "debtMax", 0), (2, "status", "CLOSED"),
    ]
)  # fmt: skip
steps = st.lists(
    st.one_of(st.lists(drafts, min_size=1, max_size=16), st.lists(drafts, min_size=4, max_size=16), changes),
    min_size=1,
    max_size=6,
)


FIRST_HOLD: dict[str, Any] = {
    "kind": "HOLD",
    "one": 0,
    "other": 1,
    "fits": True,
    "amount": 2,
    "which": 0,
    "whole": False,
}


def words(answers: Sequence[Answer]) -> list[tuple[object, ...]]:
    """Give what does not depend on ids."""
    return [(one.outcome, one.code, one.error, one.details) for one in answers]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=steps)
def test_batches_mean_one_after_the_other(
    ledger: Ledger, history: list[list[dict[str, Any]] | tuple[int, str, object]]
) -> None:
    """The same answers and the same rows as in a world in which the operations were posted one by one."""
    batched, single = World(ledger), World(ledger)
    for world in (batched, single):
        funded = [ledger.top_up(wallet, 12).id for wallet in world.wallets]
        world.transactions += funded
        first = world.operation({**FIRST_HOLD, "key": "first"})
        world.learn([FIRST_HOLD] * 3, post(ledger, [replace(first, key=f"{first.key}{n}") for n in range(3)]))
    for step in history:
        if isinstance(step, tuple):
            assert batched.change(step) == single.change(step)
            continue
        answers = post(ledger, [batched.operation(draft) for draft in step])
        # What an operation refers to is chosen before the batch: in a batch it cannot refer to a neighbour.
        one_by_one = [post(ledger, [operation])[0] for operation in [single.operation(draft) for draft in step]]
        assert words(answers) == words(one_by_one)
        assert [one.ordinal for one in answers] == list(range(1, len(step) + 1))
        batched.learn(step, answers)
        single.learn(step, one_by_one)
        assert batched.state() == single.state()


def test_the_books_are_whole_after_all_of_this(ledger: Ledger) -> None:
    """Whatever was posted by the test before, and every kind was."""
    World(ledger)
    assert ledger.problems() == {}


def test_operations_of_one_batch_share_what_there_is(ledger: Ledger) -> None:
    """Holds and spends of a wallet, refunds of a transaction, ends of a hold: each sees what those before left."""
    world = World(ledger)
    wallet, other, _ = world.wallets
    asset = world.assets[0]
    spent = ledger.top_up(wallet, 100).id
    held = post(ledger, [Operation(type="HOLD", key="h", account_id=wallet, asset_type_id=asset, amount=10)])[0]
    keys = (f"{world.prefix}:{number}" for number in itertools.count(100))

    def ask(kind: str, **values: Any) -> Operation:
        return Operation(type=kind, key=next(keys), **values)

    batch: list[tuple[Operation, str | None]] = [
        (ask("HOLD", account_id=wallet, asset_type_id=asset, amount=60), None),
        (ask("SPEND", account_id=wallet, asset_type_id=asset, amount=31), "insufficient_balance"),
        (ask("SPEND", account_id=wallet, asset_type_id=asset, amount=30), None),
        (ask("CAPTURE", related_id=held.transaction_id, amount=11), "capture_exceeds_hold"),
        (ask("CAPTURE", related_id=held.transaction_id, amount=4), None),
        (ask("CAPTURE", related_id=held.transaction_id, amount=4), "hold_captured"),
        (ask("VOID", related_id=held.transaction_id), "hold_captured"),
        # The capture left 6 of the hold.
        (ask("TRANSFER", account_id=wallet, to_account_id=other, asset_type_id=asset, amount="6.01"),
         "insufficient_balance"),
        (ask("TRANSFER", account_id=wallet, to_account_id=other, asset_type_id=asset, amount=6), None),
        (ask("REFUND", related_id=spent, amount="0.01"), "insufficient_balance"),
        (ask("BONUS", account_id=wallet, asset_type_id=asset, amount=50), None),
        (ask("REFUND", related_id=spent, amount=45), None),
        (ask("REFUND", related_id=spent, amount=60), "refund_exceeds_amount"),
        (ask("REFUND", related_id=spent, amount=5), None),
        (ask("REFUND", related_id=spent), "insufficient_balance"),
    ]  # fmt: skip
    answers = post(ledger, [operation for operation, _ in batch])
    assert [one.code for one in answers] == [code for _, code in batch]
    assert ledger.balance(wallet) == 60
    assert ledger.problems() == {}
