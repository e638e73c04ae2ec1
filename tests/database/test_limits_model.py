"""Spending limits against a model that keeps every debit in a list: random batches of every kind, at random times."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.support.ledger import Answer, Ledger
from tests.support.limits import age, limits, operate, set_limit

STEPS = 40
AGE_SECONDS = 1000
"""Time passes in steps of this; periods end half-way between two, so that the test's own time does not matter."""


@dataclass
class Rule:
    """A limit, as the model sees it."""

    name: str
    seconds: int
    amount: int | None
    count: int | None
    account: UUID | None


@dataclass
class Model:
    """What was debited when, and what is held."""

    rules: list[Rule]
    now: int = 0
    debits: list[tuple[UUID, int, int]] = field(default_factory=list)
    holds: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)

    def room(self, rule: Rule, account: UUID) -> tuple[int | None, int | None]:
        """The amount and the number of debits that a rule leaves a wallet."""
        amounts = [amount for whose, at, amount in self.debits if whose == account and at > self.now - rule.seconds]
        amounts += [amount for whose, amount in self.holds.values() if whose == account]
        return (
            None if rule.amount is None else rule.amount - sum(amounts),
            None if rule.count is None else rule.count - len(amounts),
        )

    def rules_of(self, account: UUID) -> Iterator[Rule]:
        """The rules a wallet must keep."""
        return (rule for rule in self.rules if rule.account in {None, account})

    def allows(self, account: UUID, amount: int) -> bool:
        """Whether every rule leaves room for a debit."""
        return all(
            (amount_left is None or amount_left >= amount) and (count_left is None or count_left >= 1)
            for amount_left, count_left in (self.room(rule, account) for rule in self.rules_of(account))
        )

    def expect(self, operation: dict[str, Any], answer: Answer) -> None:
        """Hold an answer to the model, and take it in."""
        kind, amount = operation["type"], operation.get("amount", 0)
        if kind in {"SPEND", "TRANSFER", "HOLD"}:
            account = operation["account_id"]
            expected = None if self.allows(account, amount) else "spending_limit_exceeded"
            assert answer.code == expected, operation
            if expected is None and kind == "HOLD":
                self.holds[made(answer)] = (account, amount)
            elif expected is None:
                self.debits.append((account, self.now, amount))
        elif kind in {"CAPTURE", "VOID"}:
            assert answer.code is None, operation
            account, held = self.holds.pop(operation["related_id"])
            if kind == "CAPTURE":
                self.debits.append((account, self.now, min(amount, held)))
        else:
            assert answer.code is None, operation


def made(answer: Answer) -> UUID:
    assert answer.transaction_id is not None
    return answer.transaction_id


def random_operation(chance: random.Random, wallets: list[UUID], holds: dict[UUID, int], asset: UUID) -> dict[str, Any]:
    """Any operation; a hold that is closed is taken from `holds`."""
    wallet, other = chance.sample(wallets, 2)
    kind = chance.choice(["SPEND"] * 3 + ["TRANSFER", "HOLD", "HOLD", "CAPTURE", "VOID", "TOP_UP"])
    if kind in {"CAPTURE", "VOID"}:
        if not holds:
            return random_operation(chance, wallets, holds, asset)
        hold = chance.choice(list(holds))
        held = holds.pop(hold)
        return {"type": kind, "related_id": hold} | ({"amount": chance.randint(1, held)} if kind == "CAPTURE" else {})
    operation = {"type": kind, "account_id": wallet, "asset_type_id": asset, "amount": chance.randint(1, 40)}
    return operation | ({"to_account_id": other} if kind == "TRANSFER" else {})


@pytest.mark.parametrize("seed", range(3))
def test_the_limits_are_those_of_the_model(ledger: Ledger, seed: int) -> None:
    """Every answer, and after every batch what is left of every limit of every wallet."""
    chance = random.Random(seed)
    asset = ledger.create_asset_type()
    wallets = [ledger.create_wallet(asset) for _ in range(3)]
    for wallet in wallets:
        ledger.top_up(wallet, 100000)
    model = Model(
        [
            Rule("short", 1500, 60, None, None),
            Rule("long", 6500, 200, 9, None),
            Rule("own", 3500, 90, 5, wallets[0]),
        ]
    )
    for step in range(STEPS):
        if step == STEPS // 4:
            # From here on: what came before counts, though nothing was limited.
            for rule in model.rules:
                set_limit(
                    ledger,
                    asset,
                    rule.account,
                    name=rule.name,
                    seconds=rule.seconds,
                    amount=rule.amount,
                    count=rule.count,
                )
        limited = step >= STEPS // 4
        holds = {hold: amount for hold, (_, amount) in model.holds.items()}
        batch = [random_operation(chance, wallets, holds, asset) for _ in range(chance.randint(1, 6))]
        rules, model.rules = model.rules, model.rules if limited else []
        for operation, answer in zip(batch, operate(ledger, *batch), strict=True):
            model.expect(operation, answer)
        model.rules = rules
        passed = chance.randint(0, 2)
        age(ledger, passed * AGE_SECONDS)
        model.now += passed * AGE_SECONDS
        for wallet in wallets if limited else []:
            listed = {
                one["name"]: (one["amountAvailable"], one["countAvailable"]) for one in limits(ledger, None, wallet)
            }
            assert listed == {
                rule.name: tuple(None if left is None else max(left, 0) for left in model.room(rule, wallet))
                for rule in model.rules_of(wallet)
            }
