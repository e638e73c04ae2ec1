"""What `wallet.post` means, in plain Python: one request after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from tests.support.ledger import Answer, Request

AMOUNT_LIMIT = Decimal(10) ** 14


@dataclass
class Model:
    """A ledger of wallets and assets that holds nothing but what requests are answered by."""

    decimals: dict[UUID, int]
    """Of every asset type."""
    assets: dict[UUID, UUID]
    """The asset type of every wallet."""
    balances: dict[UUID, Decimal] = field(default_factory=dict)
    """Of every wallet; zero when it is not here."""
    known: dict[str, Request] = field(default_factory=dict)
    """What was posted, by key."""

    def post(self, request: Request) -> tuple[str, str | None]:
        """Post one request; give the outcome and the code of a refusal."""
        code = self._refusal(request)
        if code == "validation_failed":
            return "REFUSED", code
        assert request.key is not None
        known = self.known.get(request.key)
        if known is not None:
            return ("REPLAYED", None) if known == request else ("REFUSED", "idempotency_key_reused")
        if code is not None:
            return "REFUSED", code
        assert request.account_id is not None
        amount = Decimal(str(request.amount))
        balance = self.balances.get(request.account_id, Decimal(0))
        balance += -amount if request.type == "SPEND" else amount
        if balance < 0:
            return "REFUSED", "insufficient_balance"
        self.balances[request.account_id] = balance
        self.known[request.key] = request
        return "POSTED", None

    def _refusal(self, request: Request) -> str | None:
        amount = Decimal(str(request.amount))
        if request.type not in {"TOP_UP", "BONUS", "SPEND"} or not 0 < amount < AMOUNT_LIMIT:
            return "validation_failed"
        if amount != round(amount, 4):
            return "validation_failed"
        assert request.account_id is not None
        assert request.asset_type_id is not None
        if request.account_id not in self.assets:
            return "account_not_found"
        if request.asset_type_id not in self.decimals:
            return "asset_type_not_found"
        if self.assets[request.account_id] != request.asset_type_id:
            return "asset_mismatch"
        if amount != round(amount, self.decimals[request.asset_type_id]):
            return "validation_failed"
        return None


def outcomes(answers: Sequence[Answer]) -> list[tuple[str, str | None]]:
    """Give what the model gives, from the database's answers."""
    return [(one.outcome, one.code) for one in answers]
