"""Transfers, journals, refunds, holds and conversions from SQL: what they write and what they answer."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import dict_row

from tests.database.operation_scene import Scene, make_scene
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.operations import TYPES, Operation, call, change_account, entry, funds, hold_of, transaction_of


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test has wallets of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def entries(scene: Scene, transaction_id: UUID) -> list[tuple[Any, ...]]:
    """Give the entries of a transaction by leg: public account, type, amount."""
    return scene.ledger.connection.execute(
        "SELECT wallet.public_account_id(account_id), entry_type::text, amount FROM wallet.ledger_entries"
        " WHERE transaction_id = %s ORDER BY leg",
        [transaction_id],
    ).fetchall()


def balances(scene: Scene) -> list[Decimal]:
    """Give the balances of Ann, Bob, Zoe and Cid, of the treasury and of revenue."""
    system = (scene.ledger.treasury(scene.coins), scene.ledger.revenue(scene.coins))
    return [scene.ledger.balance(one) for one in (scene.ann, scene.bob, scene.zoe, scene.cid, *system)]


def test_every_kind_is_accepted_by_its_function_and_in_a_batch(scene: Scene) -> None:
    """The good operations that the tests of refusals change in one place; each both ways, and the books are right."""
    for kind in TYPES:
        assert not call(scene.ledger, scene.good(kind)).replayed, kind
        assert scene.ask(**_values(scene.good(kind))).outcome == "POSTED", kind
    assert scene.ledger.problems() == {}


def _values(operation: Operation) -> dict[str, Any]:
    values = {name: getattr(operation, name) for name in Operation.__dataclass_fields__}
    return {"kind": values.pop("type"), **values}


def test_a_transfer(scene: Scene) -> None:
    """One debit, one credit; every field is answered."""
    made = scene.do("TRANSFER", amount="12.5", key="t", reference_id="r", description="d", metadata={"a": [1]})
    assert entries(scene, made.id) == [(scene.ann, "DEBIT", Decimal("12.5")), (scene.bob, "CREDIT", Decimal("12.5"))]
    assert made.answer == {
        **made.answer,
        "idempotencyKey": "t",
        "type": "TRANSFER",
        "status": "COMPLETED",
        "sourceAccountId": str(scene.ann),
        "destAccountId": str(scene.bob),
        "assetTypeId": str(scene.coins),
        "amount": Decimal("12.5"),
        "referenceId": "r",
        "description": "d",
        "metadata": {"a": [1]},
        "postedBy": "role:postgres",
    }
    assert transaction_of(scene.ledger, made.id) == made.answer
    assert balances(scene) == [Decimal("87.5"), Decimal("62.5"), 0, 0, -150, 0]


def test_a_journal_of_two_to_a_hundred_entries(scene: Scene) -> None:
    """In the order asked for, system accounts included; its amount is the sum of one side."""
    treasury, revenue = scene.ledger.treasury(scene.coins), scene.ledger.revenue(scene.coins)
    made = scene.do(
        "JOURNAL",
        entries=[
            entry(scene.ann, "DEBIT", "7.25"),
            entry(revenue, "CREDIT", "2"),
            entry(scene.bob, "CREDIT", "10.25"),
            entry(treasury, "DEBIT", "5.00"),
        ],
    )
    assert made.answer["entries"] == [
        {"accountId": str(scene.ann), "entryType": "DEBIT", "amount": Decimal("7.25")},
        {"accountId": str(revenue), "entryType": "CREDIT", "amount": 2},
        {"accountId": str(scene.bob), "entryType": "CREDIT", "amount": Decimal("10.25")},
        {"accountId": str(treasury), "entryType": "DEBIT", "amount": 5},
    ]
    assert (made.answer["amount"], made.answer["sourceAccountId"], made.answer["destAccountId"]) == (
        Decimal("12.25"), None, None,
    )  # fmt: skip
    assert balances(scene) == [Decimal("92.75"), Decimal("60.25"), 0, 0, -155, 2]
    wallets = [scene.ledger.create_wallet(scene.coins) for _ in range(99)]
    made = scene.do(
        "JOURNAL", entries=[entry(scene.bob, "DEBIT", "0.99"), *(entry(one, "CREDIT", "0.01") for one in wallets)]
    )
    assert len(entries(scene, made.id)) == 100
    assert {scene.ledger.balance(one) for one in wallets} == {Decimal("0.01")}
    assert scene.ledger.problems() == {}


REFUNDABLE = {
    "TOP_UP": [95, 50, 0, 0, -145, 0],
    "BONUS": [95, 50, 0, 0, -145, 0],
    "SPEND": [100, 50, 0, 0, -150, 0],
    "TRANSFER": [100, 50, 0, 0, -150, 0],
    "CAPTURE": [100, 50, 0, 0, -150, 0],
    "JOURNAL": [100, 50, 0, 0, -150, 0],
}
"""By type: all balances after 5 were posted and refunded, a top-up or bonus of Ann's first 5 being given back."""


@pytest.mark.parametrize("kind", REFUNDABLE)
def test_a_refund_is_the_other_way_round(scene: Scene, kind: str) -> None:
    """Whole, without an amount; it names its original, and the original what was refunded."""
    before = balances(scene)
    original = call(scene.ledger, scene.good(kind))
    between = balances(scene)
    refund = scene.do("REFUND", related_id=original.id, description="why", reference_id="r", metadata={"a": 1})
    assert entries(scene, refund.id) == [
        (account, {"DEBIT": "CREDIT", "CREDIT": "DEBIT"}[side], amount)
        for account, side, amount in (
            entries(scene, original.id) if kind == "JOURNAL" else reversed(entries(scene, original.id))
        )
    ]
    assert before != between
    assert balances(scene) == before
    assert refund.answer == {
        **refund.answer,
        "type": "REFUND",
        "refundOf": str(original.id),
        "amount": 5,
        "description": "why",
        "referenceId": "r",
        "metadata": {"a": 1},
    }
    assert transaction_of(scene.ledger, original.id)["refundedAmount"] == 5
    assert scene.ledger.problems() == {}


def test_parts_are_refunded_until_nothing_is_left(scene: Scene) -> None:
    """Any number of times; the last takes what is left, and then there is nothing more."""
    original = scene.do("SPEND", amount=10).id
    for amount, total in ((3, 3), ("0.01", "3.01"), (None, 10)):
        refund = scene.do("REFUND", related_id=original, amount=amount)
        assert transaction_of(scene.ledger, original)["refundedAmount"] == Decimal(total)
    assert refund.answer["amount"] == Decimal("6.99")
    answer = scene.ask("REFUND", related_id=original)
    assert (answer.code, answer.error) == ("refund_exceeds_amount", "Only 0 of the transaction is left to be refunded.")
    assert scene.ledger.problems() == {}


def test_a_debt_is_bounded_and_paid_by_later_credits(scene: Scene) -> None:
    """Refused; then with debt down to the limit and no further; nothing can be spent until it is paid."""
    change_account(scene.ledger, scene.zoe, debtMax=8)
    first, second = (scene.do("TOP_UP", account_id=scene.zoe, amount=10).id for _ in range(2))
    scene.do("SPEND", account_id=scene.zoe, amount=20)
    assert scene.ask("REFUND", related_id=first, amount=5).code == "insufficient_balance"
    scene.do("REFUND", related_id=first, amount=5, on_shortfall="debt")
    assert scene.ledger.balance(scene.zoe) == -5
    assert scene.ask("REFUND", related_id=second, amount="3.01", on_shortfall="debt").code == "insufficient_balance"
    scene.do("REFUND", related_id=second, amount=3, on_shortfall="debt")
    assert funds(scene.ledger, scene.zoe) == (-8, 0, -8)
    for kind in ("SPEND", "TRANSFER", "HOLD"):
        answer = scene.ask(kind, account_id=scene.zoe, amount="0.01")
        assert answer.error == "Insufficient balance: -8 available, 0.01 asked for."
    scene.do("TOP_UP", account_id=scene.zoe, amount=10)
    scene.do("SPEND", account_id=scene.zoe, amount=2)
    assert scene.ledger.balance(scene.zoe) == 0
    assert scene.ledger.problems() == {}


def test_a_hold_is_reserved_captured_in_part_and_the_rest_is_free(scene: Scene) -> None:
    """The balance stays until the capture; what is held cannot be spent, transferred, converted, held or taken back."""
    hold = scene.do("HOLD", amount=60, reference_id="r", description="d", metadata={"a": 1})
    assert hold.answer == {
        **hold.answer,
        "type": "HOLD",
        "status": "PENDING",
        "state": "ACTIVE",
        "sourceAccountId": str(scene.ann),
        "destAccountId": str(scene.ledger.revenue(scene.coins)),
        "amount": 60,
        "capturedAmount": 0,
        "captureId": None,
        "closedAt": None,
        "referenceId": "r",
        "description": "d",
        "metadata": {"a": 1},
    }
    assert funds(scene.ledger, scene.ann) == (100, 60, 40)
    for kind in ("SPEND", "TRANSFER", "HOLD", "CONVERSION"):
        answer = scene.ask(kind, amount="40.01")
        assert (answer.code, answer.error) == (
            "insufficient_balance", "Insufficient balance: 40 available, 40.01 asked for.",
        )  # fmt: skip
    journal = [entry(scene.ann, "DEBIT", "40.01"), entry(scene.bob, "CREDIT", "40.01")]
    assert scene.ask("JOURNAL", entries=journal).code == "insufficient_balance"
    capture = scene.do("CAPTURE", related_id=hold.id, amount=Decimal("45.5"))
    assert capture.answer == {
        **capture.answer,
        "type": "CAPTURE",
        "holdId": str(hold.id),
        "amount": Decimal("45.5"),
        "sourceAccountId": str(scene.ann),
        "destAccountId": hold.answer["destAccountId"],
    }
    assert funds(scene.ledger, scene.ann) == (Decimal("54.5"), 0, Decimal("54.5"))
    assert hold_of(scene.ledger, hold.id) == {
        **hold.answer,
        "status": "COMPLETED",
        "state": "CAPTURED",
        "capturedAmount": Decimal("45.5"),
        "captureId": str(capture.id),
        "closedAt": capture.answer["createdAt"],
        "updatedAt": capture.answer["createdAt"],
    }
    assert transaction_of(scene.ledger, hold.id) == hold_of(scene.ledger, hold.id)
    assert scene.ledger.problems() == {}


def test_a_voided_hold_is_free_at_once(scene: Scene) -> None:
    """The void answers with the hold, which failed; for another wallet or for revenue, nothing moved."""
    hold = scene.do("HOLD", amount=100, to_account_id=scene.bob)
    void = scene.do("VOID", related_id=hold.id)
    assert (void.answer["id"], void.answer["state"], void.answer["status"]) == (str(hold.id), "VOIDED", "FAILED")
    assert void.answer == hold_of(scene.ledger, hold.id)
    assert funds(scene.ledger, scene.ann) == (100, 0, 100)
    assert balances(scene) == [100, 50, 0, 0, -150, 0]
    assert scene.ledger.problems() == {}


CONVERSIONS = [
    # amount of coins, rate, points credited, remainder
    ("5", "2", "10", "0"),
    ("0.01", "0.01", "0.0001", "0"),
    ("1", "0.33333333", "0.3333", "0.00003333"),
    ("99.99", "0.000001999999", "0.0001", "0.0000999799000100"),
    ("3", "33.333333333333", "99.9999", "0.000099999999"),
]


@pytest.mark.parametrize(("amount", "rate", "credited", "remainder"), CONVERSIONS)
def test_a_conversion_cuts_to_the_decimals_of_what_comes_in(
    scene: Scene, amount: str, rate: str, credited: str, remainder: str
) -> None:
    """Amount times rate, never rounded up; each asset balances by its conversion account; the remainder is noted."""
    made = scene.do("CONVERSION", amount=amount, rate=rate)
    assert Decimal(amount) * Decimal(rate) == Decimal(credited) + made.answer["remainder"]
    assert made.answer == {
        **made.answer,
        "type": "CONVERSION",
        "assetTypeId": str(scene.coins),
        "amount": Decimal(amount),
        "rate": Decimal(rate),
        "creditedAmount": Decimal(credited),
    }
    legs = [(one["entryType"], one["amount"]) for one in made.answer["entries"]]
    assert legs == [
        ("DEBIT", Decimal(amount)),
        ("CREDIT", Decimal(amount)),
        ("DEBIT", Decimal(credited)),
        ("CREDIT", Decimal(credited)),
    ]
    assert [made.answer["entries"][leg]["accountId"] for leg in (0, 3)] == [str(scene.ann), str(scene.cid)]
    assert scene.ledger.balance(scene.cid) == Decimal(credited)
    assert scene.ledger.problems() == {}


def test_what_an_operation_writes_besides_its_posting(scene: Scene) -> None:
    """A hold writes a hold and a key; a void only a key; a refund a total; none an entry too many."""
    ledger = scene.ledger
    for kind, expected in {
        "HOLD": {"holds": 1, "idempotency_keys": 1},
        "VOID": {"idempotency_keys": 1},
        "CAPTURE": {"idempotency_keys": 1, "transactions": 1, "ledger_entries": 2},
        "REFUND": {"idempotency_keys": 1, "transactions": 1, "ledger_entries": 2, "refund_totals": 1},
        "JOURNAL": {"idempotency_keys": 1, "transactions": 1, "ledger_entries": 2},
        "TRANSFER": {"idempotency_keys": 1, "transactions": 1, "ledger_entries": 2},
    }.items():
        call(ledger, scene.good(kind))
        operation = scene.good(kind)
        before = ledger.counts()
        call(ledger, operation)
        after = ledger.counts()
        changed = {table: after[table] - before[table] for table in before if after[table] != before[table]}
        changed.pop("transaction_blocks", None)
        assert changed == expected, kind


def test_the_row_of_each_kind(scene: Scene) -> None:
    """What is in which column: legs where source and destination do not say it; the request where no column does."""
    cursor = scene.ledger.connection.cursor(row_factory=dict_row)
    for kind in TYPES:
        if kind in ("HOLD", "VOID"):
            continue
        operation = scene.good(kind)
        made = call(scene.ledger, operation)
        row = cursor.execute("SELECT * FROM wallet.transactions WHERE id = %s", [made.id]).fetchone()
        assert row is not None
        has_legs = kind in ("JOURNAL", "CONVERSION")
        assert (row["leg_account_ids"] is not None) == has_legs == (row["source_account_id"] is None)
        assert row["related_id"] == (operation.related_id if kind in ("REFUND", "CAPTURE") else None)
        assert (row["request"] is not None) == (kind in ("JOURNAL", "CONVERSION", "REFUND", "CAPTURE"))


def test_stripes_meet_the_same_wallet_in_the_same_row(scene: Scene) -> None:
    """With 4 stripes of each system account: refunds go back to the row they came from, and the sums are right."""
    ledger = scene.ledger
    revenue = ledger.revenue(scene.coins)
    early = scene.do("SPEND", amount=10).id
    for asset in (scene.coins, scene.points):
        symbol = ledger.connection.execute("SELECT symbol FROM wallet.asset_types WHERE id = %s", [asset]).fetchone()
        assert symbol is not None
        ledger.connection.execute("SELECT wallet.set_stripes(%s, 4)", symbol)
    wallets = [ledger.create_wallet(scene.coins) for _ in range(8)]
    for wallet in wallets:
        ledger.top_up(wallet, 10)
        spend = scene.do("SPEND", account_id=wallet, amount=4).id
        scene.do("REFUND", related_id=spend, amount=1)
        hold = scene.do("HOLD", account_id=wallet, amount=3)
        capture = scene.do("CAPTURE", related_id=hold.id).id
        scene.do("REFUND", related_id=capture)
        scene.do("CONVERSION", account_id=wallet, amount=1)
        scene.do(
            "JOURNAL",
            entries=[entry(wallet, "DEBIT", 1), entry(revenue, "CREDIT", 1)],
        )
    scene.do("REFUND", related_id=early)
    assert [ledger.balance(one) for one in wallets] == [5] * 8
    assert ledger.balance(revenue) == 8 * 4
    assert ledger.problems() == {}
