"""A few wallets for tests of operations, and short ways to say operations."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from tests.support.ledger import Answer, Ledger, Posted
from tests.support.operations import Operation, call, entry, post

Values = Mapping[str, Any]


class Scene(NamedTuple):
    """Three wallets of coins (2 decimals): Ann has 100, Bob 50, Zoe nothing; Cid's is of points (4 decimals)."""

    ledger: Ledger
    coins: UUID
    points: UUID
    ann: UUID
    bob: UUID
    zoe: UUID
    cid: UUID

    def good(self, kind: str) -> Operation:
        """An operation of this kind that is accepted, under a new key; what it needs is made first."""
        if kind in ("CAPTURE", "VOID"):
            return self.operation(kind, related_id=self.do("HOLD", amount=5).id)
        if kind == "REFUND":
            return self.operation(kind, related_id=self.do("SPEND", amount=5).id, amount=2)
        return self.operation(kind)

    def operation(self, kind: str, **values: object) -> Operation:
        """An operation on Ann's wallet under a new key: 5 coins to Bob where somebody gets them, at a rate of 2."""
        usual: dict[str, Any] = {"key": self.ledger.new_key()}
        if kind in ("TOP_UP", "BONUS", "SPEND", "TRANSFER", "HOLD", "CONVERSION"):
            usual |= {"account_id": self.ann, "amount": 5}
        if kind in ("TOP_UP", "BONUS", "SPEND", "TRANSFER", "HOLD", "JOURNAL"):
            usual |= {"asset_type_id": self.coins}
        if kind == "TRANSFER":
            usual |= {"to_account_id": self.bob}
        if kind == "CONVERSION":
            usual |= {"to_account_id": self.cid, "rate": 2}
        if kind == "JOURNAL":
            usual |= {"entries": [entry(self.ann, "DEBIT", 5), entry(self.bob, "CREDIT", 5)]}
        return Operation(type=kind, **{**usual, **values})

    def do(self, kind: str, **values: object) -> Posted:
        """Call the function of an operation.

        Raises:
            psycopg.DatabaseError: it is refused.
        """
        return call(self.ledger, self.operation(kind, **values))

    def ask(self, kind: str, **values: object) -> Answer:
        """Post an operation as a batch of one."""
        [answer] = post(self.ledger, [self.operation(kind, **values)])
        return answer


def make_scene(ledger: Ledger) -> Scene:
    """Make the wallets."""
    number = ledger.new_key().removeprefix("key-")
    coins, points = ledger.create_asset_type(f"C{number}", 2), ledger.create_asset_type(f"P{number}", 4)
    ann, bob, zoe, cid = (ledger.create_wallet(asset) for asset in (coins, coins, coins, points))
    ledger.top_up(ann, 100)
    ledger.top_up(bob, 50)
    return Scene(ledger, coins, points, ann, bob, zoe, cid)
