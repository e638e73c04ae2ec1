"""A ledger in which every kind of operation happened, for the checks of the doctor and for seals."""

from decimal import Decimal
from uuid import UUID

from tests.support.ledger import Ledger
from tests.support.limits import set_budget, set_limit
from tests.support.operations import Operation, call, change_account, entry, let_run_out

Names = dict[str, UUID]
"""Accounts, asset types, and by key: transactions, holds."""


class World:
    """Makes the operations one after the other, and keeps what they made under their keys.

    Args:
        ledger: an empty ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ids: Names = {}

    def fill(self) -> Names:
        """Do everything there is to do; give the ids of all of it."""
        self._accounts()
        self._postings()
        self._holds()
        self._bounds()
        self._limits()
        return self.ids

    def _accounts(self) -> None:
        ledger, ids = self.ledger, self.ids
        ids["coins"], ids["points"] = ledger.create_asset_type("GC", 2), ledger.create_asset_type("LP", 4)
        for name in ("ann", "bob", "cid", "dan", "eve", "fay", "gil"):
            ids[name] = ledger.create_wallet(ids["points" if name == "cid" else "coins"], name)
        ids["treasury"], ids["revenue"] = ledger.treasury(ids["coins"]), ledger.revenue(ids["coins"])
        set_budget(ledger, ids["coins"], 1000)
        set_budget(ledger, ids["coins"], 100, "spring")
        set_limit(ledger, account_id=ids["ann"], amount=900)

    def _postings(self) -> None:
        ids, coins = self.ids, self.ids["coins"]
        for name, amount in (("ann", 100), ("bob", 50), ("cid", 10)):
            self.do("TOP_UP", f"top-up-{name}", account_id=ids[name], amount=amount)
        self.do("SPEND", "spend", account_id=ids["ann"], amount=30)
        self.do("REFUND", "refund", related_id=ids["spend"], amount=10, description="half of it")
        self.do("BONUS", "campaign", account_id=ids["bob"], amount=5, campaign="spring")
        self.do("REFUND", "refund-campaign", related_id=ids["campaign"], amount=2)
        self.do("TRANSFER", "transfer", account_id=ids["ann"], to_account_id=ids["bob"], amount=7)
        self.do("REFUND", "refund-transfer", related_id=ids["transfer"], amount=7)
        for key in ("journal", "journal-2"):
            self.do(
                "JOURNAL",
                key,
                asset_type_id=coins,
                entries=[
                    entry(ids["ann"], "DEBIT", 5),
                    entry(ids["bob"], "CREDIT", 3),
                    entry(ids["revenue"], "CREDIT", 2),
                ],
            )
        self.do("REFUND", "refund-journal", related_id=ids["journal"])
        self.do("CONVERSION", "conversion", account_id=ids["ann"], to_account_id=ids["cid"], amount=3, rate="0.33333")

    def _holds(self) -> None:
        ids = self.ids
        for key in ("open", "captured", "captured-for-bob", "voided", "expired"):
            self.do(
                "HOLD",
                key,
                account_id=ids["ann"],
                amount=4,
                to_account_id=ids["bob"] if key == "captured-for-bob" else None,
            )
        self.do("CAPTURE", "capture", related_id=ids["captured"], amount=Decimal("2.5"))
        self.do("CAPTURE", "capture-for-bob", related_id=ids["captured-for-bob"])
        self.do("REFUND", "refund-capture", related_id=ids["capture"], amount=1)
        self.do("VOID", "void", related_id=ids["voided"])
        let_run_out(self.ledger, ids["expired"])
        # Books that it has run out.
        self.do("SPEND", "after-expiry", account_id=ids["ann"], amount=1)

    def _bounds(self) -> None:
        ids, ledger = self.ids, self.ledger
        # A debt, and what is paid of it; then the debt limit is what the debt is.
        change_account(ledger, ids["dan"], debtMax=20)
        self.do("TOP_UP", "lent", account_id=ids["dan"], amount=10)
        self.do("SPEND", "gone", account_id=ids["dan"], amount=10)
        self.do("REFUND", "clawback", related_id=ids["lent"], on_shortfall="debt")
        self.do("TOP_UP", "paid-back", account_id=ids["dan"], amount=4)
        change_account(ledger, ids["dan"], debtMax=6)
        # A credit that was used, paid back and taken away.
        change_account(ledger, ids["fay"], creditLimit=10)
        self.do("SPEND", "on-credit", account_id=ids["fay"], amount=8)
        self.do("TOP_UP", "credit-paid", account_id=ids["fay"], amount=20)
        change_account(ledger, ids["fay"], creditLimit=0)
        # A maximum that was once higher.
        change_account(ledger, ids["eve"], balanceMax=50)
        self.do("TOP_UP", "up-to-the-maximum", account_id=ids["eve"], amount=50)
        self.do("SPEND", "down-again", account_id=ids["eve"], amount=20)
        change_account(ledger, ids["eve"], balanceMax=30)
        change_account(ledger, ids["gil"], status="CLOSED")

    def _limits(self) -> None:
        # Two rows of running totals at least.
        for key in ("counted-1", "counted-2"):
            self.do("SPEND", key, account_id=self.ids["ann"], amount=1)

    def do(self, kind: str, key: str, **values: object) -> None:
        """Do one operation; the asset is the account's."""
        account_id = values.get("account_id")
        if account_id is not None and kind != "CONVERSION":
            values["asset_type_id"] = self.ledger.asset_of(account_id)  # type: ignore[arg-type]  # an id
        operation = Operation(type=kind, key=key, **values)  # type: ignore[arg-type]  # of many types
        self.ids[key] = call(self.ledger, operation).id
