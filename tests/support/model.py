"""What the wallet means, in plain Python: one operation after the other, on dicts and lists.

Whatever only the database can choose (ids, instants, the stripe of a wallet) is learned from its first answer, and held
against all later ones. A new operation is one more method here, one in tests/model/callers.py and one rule in
tests/model/machine.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation, localcontext
from typing import Any
from uuid import UUID

from tests.support.operations import POSTING_TYPES, TYPES, Operation, fields_of

Json = dict[str, Any]

SIMPLE_TYPES = ("TOP_UP", "BONUS", "SPEND", "TRANSFER")
"""Operations that are two accounts and an amount: a key of one may be compared field by field with another of them."""

STATUSES = ("PENDING", "COMPLETED", "FAILED")
AMOUNT_LIMIT = Decimal(10) ** 14
DECIMALS_MAX = 4
ENTRIES_MAX = 100
STRIPES_MAX = 256
PAGE_SIZE_MAX = 100
RATE_LIMIT = Decimal(10) ** 9
RATE_DECIMALS_MAX = 12
HOLD_DAYS_MAX = 366
HOLD_STATUS = {"ACTIVE": "PENDING", "CAPTURED": "COMPLETED", "VOIDED": "FAILED"}
FIELDS = {
    "asset_type_id": "assetTypeId",
    "to_account_id": "toAccountId",
    "amount": "amount",
    "entries": "entries",
    "expires_at": "expiresAt",
    "on_shortfall": "onShortfall",
    "rate": "rate",
    "campaign": "campaign",
    "reference_id": "referenceId",
    "metadata": "metadata",
}
"""The public names of a request's fields that are the same for all types; `public_name` has the others."""

_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True)
class Refused:
    """A refusal: a code and the fields to blame."""

    code: str
    fields: frozenset[str] = frozenset()
    sentence: str | None = None
    """What the error says, where it holds facts."""


@dataclass(eq=False)
class Asset:
    """An asset type."""

    id: UUID
    symbol: str
    decimals: int
    is_active: bool = True
    stripe_count: int = 1


@dataclass(eq=False)
class Transaction:
    """A posting. Its id and instant are learned."""

    request: Operation
    asset: Asset
    amount: Decimal
    source: "Account | None"
    dest: "Account | None"
    """None where the legs are more than a source and a destination."""
    legs: "list[Leg]"
    extras: Json = field(default_factory=dict)
    """What its type shows besides."""
    hold: "Hold | None" = None
    """What it captured."""
    id: str = ""
    created_at: str = ""
    """RFC 3339 in UTC with microseconds: later is greater, also as text."""
    refunded: Decimal = Decimal(0)
    learned: Json = field(default_factory=dict)
    """The first answer: fields that the model says nothing of never change either."""

    def learn(self, answer: Json) -> None:
        """Take id, instant and what else there is from the first answer."""
        self.id, self.created_at, self.learned = answer["id"], answer["createdAt"], answer
        if self.hold is not None:
            self.hold.closed_at = self.created_at

    def json(self) -> Json:
        """The transaction as it was answered."""
        request = self.request
        entries = [
            {"accountId": str(one.account.id), "entryType": one.entry_type, "amount": abs(one.amount)}
            for one in self.legs
        ]
        return {
            **self.learned,
            "id": self.id,
            "idempotencyKey": request.key,
            "type": request.type,
            "status": "COMPLETED",
            "sourceAccountId": None if self.source is None else str(self.source.id),
            "destAccountId": None if self.dest is None else str(self.dest.id),
            "assetTypeId": str(self.asset.id),
            "amount": self.amount,
            "description": request.description,
            "referenceId": request.reference_id,
            "metadata": request.metadata,
            "createdAt": self.created_at,
            "updatedAt": self.created_at,
            **self.extras,
            **({"entries": entries} if self.source is None else {}),
        }

    def shown(self) -> Json:
        """The transaction as it is shown later."""
        return {**self.json(), **({"refundedAmount": self.refunded} if self.refunded else {})}


@dataclass(eq=False)
class Hold:
    """A reserved amount. Its id and instants are learned."""

    request: Operation
    account: "Account"
    dest: "Account"
    dest_stripe: int
    amount: Decimal
    state: str = "ACTIVE"
    captured: Decimal = Decimal(0)
    capture: Transaction | None = None
    closed_at: str | None = None
    id: str = ""
    created_at: str = ""
    learned: Json = field(default_factory=dict)

    def learn(self, answer: Json) -> None:
        """Take id, instant and what else there is from the first answer."""
        self.id, self.created_at, self.learned = answer["id"], answer["createdAt"], answer
        self.account.changed_at = max(self.account.changed_at, self.created_at)

    def json(self) -> Json:
        """The hold as it was answered: as it was made, whatever has become of it."""
        return self._json("ACTIVE", Decimal(0), None, None)

    def shown(self) -> Json:
        """The hold as it is shown now."""
        return self._json(self.state, self.captured, self.capture, self.closed_at)

    def _json(self, state: str, captured: Decimal, capture: Transaction | None, closed_at: str | None) -> Json:
        request = self.request
        return {
            **self.learned,
            "id": self.id,
            "idempotencyKey": request.key,
            "type": "HOLD",
            "status": HOLD_STATUS[state],
            "state": state,
            "sourceAccountId": str(self.account.id),
            "destAccountId": str(self.dest.id),
            "assetTypeId": str(self.account.asset.id),
            "amount": self.amount,
            "capturedAmount": captured,
            "captureId": None if capture is None else capture.id,
            "closedAt": closed_at,
            "description": request.description,
            "referenceId": request.reference_id,
            "metadata": request.metadata,
            "createdAt": self.created_at,
            "updatedAt": closed_at or self.created_at,
        }


@dataclass(eq=False)
class Voided:
    """What a key of a VOID stands for."""

    request: Operation
    hold: Hold

    @property
    def id(self) -> str:
        """The hold's."""
        return self.hold.id

    def learn(self, answer: Json) -> None:
        """Take the instant from the first answer."""
        self.hold.closed_at = answer["closedAt"]
        self.hold.account.changed_at = max(self.hold.account.changed_at, answer["closedAt"])

    def json(self) -> Json:
        """The hold, which stays as it is."""
        return self.hold.shown()


@dataclass(frozen=True)
class Leg:
    """An amount that is added to one row of an account, or taken from it where it is below zero."""

    account: "Account"
    stripe: int
    amount: Decimal

    @property
    def entry_type(self) -> str:
        """DEBIT or CREDIT."""
        return "DEBIT" if self.amount < 0 else "CREDIT"


@dataclass(frozen=True)
class Entry:
    """A leg that was posted."""

    transaction: Transaction
    leg: int
    """From 1."""
    stripe: int
    amount: Decimal
    """What it adds to the balance."""
    version: int
    """Of the row."""
    balance_after: Decimal
    """Of the row."""

    @property
    def entry_type(self) -> str:
        """DEBIT or CREDIT."""
        return "DEBIT" if self.amount < 0 else "CREDIT"

    def order(self) -> tuple[str, int, int]:
        """By what the entries of an account are in order."""
        return self.transaction.created_at, self.stripe, self.version


@dataclass(eq=False)
class Account:
    """A wallet, or a system account with all its stripes."""

    id: UUID
    type: str
    asset: Asset
    name: str
    floor: Decimal | None
    external_id: str | None = None
    email: str | None = None
    created_at: str = ""
    changed_at: str = ""
    """When one of its settings changed last."""
    stripe_hash: int = 0
    """Which stripe of the system accounts it uses, modulo their number."""
    held: Decimal = Decimal(0)
    status: str = "ACTIVE"
    credits_allowed: bool = True
    balance_max: Decimal | None = None
    debt_max: Decimal = Decimal(0)
    entries: list[Entry] = field(default_factory=list)
    """In the order in which they were made."""

    def balance(self) -> Decimal:
        """Credits less debits."""
        return sum((one.amount for one in self.entries), Decimal(0))

    def stripe(self, stripe: int) -> tuple[int, Decimal]:
        """Version and balance of one of its rows."""
        mine = [one for one in self.entries if one.stripe == stripe]
        return (mine[-1].version, mine[-1].balance_after) if mine else (0, Decimal(0))

    def updated_at(self) -> str:
        """The instant of its newest entry or change, or else of its making."""
        return max([self.created_at, self.changed_at, *(one.transaction.created_at for one in self.entries)])

    def my_stripe(self) -> int:
        """The stripe of the system accounts that is used for it."""
        return self.stripe_hash % self.asset.stripe_count

    def add(self, transaction: Transaction, place: int, leg: Leg) -> None:
        """Add an entry to one of its rows."""
        version, balance = self.stripe(leg.stripe)
        self.entries.append(Entry(transaction, place, leg.stripe, leg.amount, version + 1, balance + leg.amount))

    def refusal(self, leg: Leg, freed: Decimal = Decimal(0), debt: Decimal = Decimal(0)) -> Refused | None:
        """Why it does not allow a leg.

        Args:
            leg: what is to be added.
            freed: how much of what is held no longer is.
            debt: how far below its floor it may go.
        """
        if self.status == "CLOSED":
            return Refused("account_closed")
        if self.status == "FROZEN" and (leg.amount < 0 or not self.credits_allowed):
            return Refused("account_frozen")
        balance = self.stripe(leg.stripe)[1]
        if leg.amount > 0:
            if self.balance_max is None or balance + leg.amount <= self.balance_max:
                return None
            return Refused(
                "balance_max_exceeded",
                sentence=f"The account's maximum balance leaves room for {plain(self.balance_max - balance)},"
                f" {plain(leg.amount)} was to be credited.",
            )
        if self.floor is None:
            return None
        available = balance - self.held + freed - self.floor
        if -leg.amount <= available + debt:
            return None
        return Refused(
            "insufficient_balance",
            sentence=f"Insufficient balance: {plain(available)} available, {plain(-leg.amount)} asked for.",
        )

    def history(self) -> list[tuple[Entry, Decimal]]:
        """The entries, oldest first, each with the balance of the whole account after it."""
        balance = Decimal(0)
        found = []
        for entry in sorted(self.entries, key=Entry.order):
            balance += entry.amount
            found.append((entry, balance))
        return found

    def funds(self) -> Json:
        """What is held and what can be spent."""
        return {
            "held": self.held,
            "available": None if self.floor is None else self.balance() - self.held - self.floor,
        }

    def json(self) -> Json:
        """The account as it is shown."""
        return {
            "id": str(self.id),
            "externalId": self.external_id,
            "accountType": self.type,
            "status": self.status,
            "creditsAllowed": self.credits_allowed,
            "name": self.name,
            "email": self.email,
            "assetTypeId": str(self.asset.id),
            "balance": self.balance(),
            **self.funds(),
            "creditLimit": None if self.floor is None else -self.floor,
            "balanceMax": self.balance_max,
            "debtMax": self.debt_max,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at(),
        }


@dataclass(frozen=True)
class AccountRequest:
    """A request for a wallet."""

    name: str | None
    asset_type_id: UUID | None
    external_id: str | None = None
    email: str | None = None
    key: str | None = None

    def json(self) -> Json:
        """The fields that a replay must repeat."""
        return {
            "name": self.name,
            "assetTypeId": self.asset_type_id,
            "externalId": self.external_id,
            "email": self.email,
        }


@dataclass(eq=False)
class AccountMade:
    """What a key of an account request made: the answer is learned."""

    request: AccountRequest
    answer: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The account's."""
        return str(self.answer["id"])

    def json(self) -> Json:
        """The account as it was made."""
        return self.answer


@dataclass(frozen=True)
class Done:
    """A request that was carried out, now or before."""

    made: "Made"
    replayed: bool


Made = Transaction | Hold | Voided | AccountMade
Outcome = Done | Refused


@dataclass(frozen=True)
class Plan:
    """What an operation would do, if the balances allow it."""

    legs: list[Leg]
    asset: Asset
    amount: Decimal
    source: Account | None = None
    dest: Account | None = None
    extras: Json = field(default_factory=dict)
    original: Transaction | None = None
    """What a REFUND gives back."""
    hold: Hold | None = None
    """What a CAPTURE or VOID ends."""
    debt: Decimal = Decimal(0)
    """How far below its floor the source may go."""


class Model:
    """The whole wallet."""

    def __init__(self) -> None:
        self.assets: dict[UUID, Asset] = {}
        self.accounts: dict[UUID, Account] = {}
        """Wallets and system accounts, by id."""
        self.transactions: list[Transaction] = []
        """In the order in which they were made."""
        self.holds: list[Hold] = []
        self.keys: dict[str, Made] = {}

    # Making assets and accounts

    def create_asset_type(self, asset: Asset, system_accounts: Sequence[Account]) -> None:
        """Add an asset with its system accounts."""
        self.assets[asset.id] = asset
        self.accounts |= {one.id: one for one in system_accounts}

    def set_stripes(self, symbol: str, count: int) -> Refused | None:
        """Keep the system accounts of an asset in more rows."""
        asset = next((one for one in self.assets.values() if one.symbol == symbol), None)
        if asset is None:
            return Refused("asset_type_not_found")
        if not asset.stripe_count <= count <= STRIPES_MAX:
            return Refused("validation_failed", frozenset({"stripeCount"}))
        asset.stripe_count = count
        return None

    def create_account(self, request: AccountRequest, *, over_http: bool) -> Outcome:
        """Answer a request for a wallet; `account_made` adds what is new.

        Args:
            request: the request.
            over_http: whether a bad key goes before bad fields, and missing fields before those of a wrong length.
        """
        missing, wrong = wrong_account_fields(request)
        has_bad_key = request.key is not None and not is_good_key(request.key)
        if over_http and has_bad_key:
            return Refused("idempotency_key_missing")
        if over_http and missing:
            return Refused("validation_failed", missing)
        if missing or wrong:
            return Refused("validation_failed", missing | wrong)
        if has_bad_key:
            return Refused("idempotency_key_missing")
        known = self.keys.get(request.key) if request.key is not None else None
        if isinstance(known, AccountMade):
            before, now = known.request.json(), request.json()
            differing = frozenset(name for name in now if now[name] != before[name])
            return Refused("idempotency_key_reused", differing) if differing else Done(known, True)
        if known is not None:
            return Refused("idempotency_key_reused", frozenset({"endpoint"}))
        if request.asset_type_id not in self.assets:
            return Refused("asset_type_not_found")
        if request.external_id is not None and request.external_id in {
            one.external_id for one in self.accounts.values()
        }:
            return Refused("external_id_taken")
        return Done(AccountMade(request), False)

    def account_made(self, made: AccountMade, stripe_hash: int) -> Account:
        """Add a wallet that the database has made, with what was learned of it."""
        request, answer = made.request, made.answer
        assert request.asset_type_id is not None
        assert request.name is not None
        account = Account(
            UUID(answer["id"]),
            "USER",
            self.assets[request.asset_type_id],
            request.name,
            Decimal(0),
            request.external_id,
            request.email,
            answer["createdAt"],
            stripe_hash=stripe_hash,
        )
        self.accounts[account.id] = account
        if request.key is not None:
            self.keys[request.key] = made
        return account

    def change_account(self, account_id: UUID, values: Json) -> Account | Refused:
        """Change settings of a wallet; its `changed_at` is to be learned."""
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        limits = {
            name: values[name] for name in ("creditLimit", "balanceMax", "debtMax") if values.get(name) is not None
        }
        too_fine = {name for name, limit in limits.items() if not has_decimals(limit, account.asset.decimals)}
        if too_fine:
            return Refused("validation_failed", frozenset(too_fine))
        if account.type != "USER":
            return Refused("not_a_wallet")
        assert account.floor is not None
        new = {
            "status": values.get("status", account.status),
            "credits_allowed": values.get("creditsAllowed", account.credits_allowed),
            "floor": -Decimal(str(values["creditLimit"])) if "creditLimit" in values else account.floor,
            "balance_max": account.balance_max,
            "debt_max": Decimal(str(values["debtMax"])) if "debtMax" in values else account.debt_max,
        }
        if "balanceMax" in values:
            new["balance_max"] = None if values["balanceMax"] is None else Decimal(str(values["balanceMax"]))
        balance = account.balance()
        changes = {name for name in new if new[name] != getattr(account, name)}
        if account.status == "CLOSED" and changes:
            return Refused("account_closed")
        if new["status"] == "CLOSED" and (balance != 0 or account.held != 0):
            return Refused("account_not_empty")
        if new["floor"] > account.floor and balance - account.held < new["floor"]:
            return Refused("credit_limit_too_low")
        if balance < new["floor"] - new["debt_max"]:
            return Refused("debt_max_too_low")
        if "balance_max" in changes and new["balance_max"] is not None and balance > new["balance_max"]:
            return Refused("balance_max_too_low")
        for name in changes:
            setattr(account, name, new[name])
        return account

    # Posting

    def post(self, request: Operation, *, over_http: bool) -> Outcome:
        """Answer one operation.

        Args:
            request: the operation.
            over_http: whether its form is looked at as a whole, before anything is looked up.
        """
        for by_service in (True, False) if over_http else (False,):
            malformed = malformation(request, over_http=by_service)
            if malformed is not None:
                return malformed
        assert request.key is not None
        plan = self._plan(request)
        if isinstance(plan, Refused) and plan.code == "validation_failed":
            return plan
        known = self.keys.get(request.key)
        if isinstance(known, AccountMade):
            return Refused("idempotency_key_reused", frozenset({"endpoint"}))
        if known is not None:
            differing = differences(known.request, request)
            return Refused("idempotency_key_reused", differing) if differing else Done(known, True)
        if isinstance(plan, Refused):
            return plan
        made = self._carry_out(request, plan)
        if isinstance(made, Refused):
            return made
        self.keys[request.key] = made
        return Done(made, False)

    def post_atomic(self, requests: Sequence[Operation], *, over_http: bool) -> list[Outcome] | tuple[int, Refused]:
        """Answer all of them, or give the index of the first that is refused.

        Args:
            requests: the items.
            over_http: whether malformed items are found before all others.
        """
        if over_http:
            for index, request in enumerate(requests):
                malformed = malformation(request, over_http=True)
                if malformed is not None:
                    return index, malformed
        before = self._state()
        outcomes: list[Outcome] = []
        for index, request in enumerate(requests):
            outcome = self.post(request, over_http=over_http)
            if isinstance(outcome, Refused):
                for object_, values in before:
                    object_.__dict__.update(values)
                return index, outcome
            outcomes.append(outcome)
        return outcomes

    def _state(self) -> list[tuple[object, Json]]:
        """All that a posting changes, to go back to."""
        return [
            (one, {name: list(value) if isinstance(value, list) else value for name, value in vars(one).items()})
            for one in (*self.accounts.values(), *self.transactions, *self.holds)
        ] + [(self, {"transactions": [*self.transactions], "holds": [*self.holds], "keys": {**self.keys}})]

    def _plan(self, request: Operation) -> Plan | Refused:
        """What a well-formed operation would do, or why it is refused before balances are looked at."""
        return {
            "TRANSFER": self._plan_transfer,
            "JOURNAL": self._plan_journal,
            "REFUND": self._plan_refund,
            "HOLD": self._plan_hold,
            "CAPTURE": self._plan_hold_end,
            "VOID": self._plan_hold_end,
            "CONVERSION": self._plan_conversion,
        }.get(request.type or "", self._plan_posting)(request)

    def _carry_out(self, request: Operation, plan: Plan) -> Transaction | Hold | Voided | Refused:
        original, hold = plan.original, plan.hold
        if (original is not None and plan.amount > original.amount - original.refunded) or not plan.amount:
            return Refused("refund_exceeds_amount")
        if hold is not None and hold.state != "ACTIVE":
            return Refused(f"hold_{hold.state.lower()}")
        if request.type == "HOLD":
            assert plan.source is not None
            assert plan.dest is not None
            debit, credit = plan.legs
            refusal = plan.source.refusal(debit)
            if refusal is not None:
                return refusal
            made = Hold(request, plan.source, plan.dest, credit.stripe, plan.amount)
            plan.source.held += plan.amount
            self.holds.append(made)
            return made
        for leg in plan.legs:
            debt = plan.debt if leg.account is plan.source else Decimal(0)
            freed = hold.amount if hold is not None and leg.account is hold.account else Decimal(0)
            refusal = leg.account.refusal(leg, freed, debt)
            if refusal is not None:
                return refusal
        if hold is not None:
            hold.account.held -= hold.amount
            hold.state = "CAPTURED" if request.type == "CAPTURE" else "VOIDED"
            if request.type == "VOID":
                return Voided(request, hold)
        transaction = Transaction(
            request, plan.asset, plan.amount, plan.source, plan.dest, plan.legs, plan.extras, hold
        )
        if hold is not None:
            hold.captured, hold.capture = plan.amount, transaction
        if original is not None:
            original.refunded += plan.amount
        for place, leg in enumerate(plan.legs, 1):
            leg.account.add(transaction, place, leg)
        self.transactions.append(transaction)
        return transaction

    # What each kind of operation does

    def _plan_posting(self, request: Operation) -> Plan | Refused:
        """TOP_UP, BONUS and SPEND: between the wallet and a system account."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        assert request.account_id is not None
        wallet = self.accounts[request.account_id]
        other = self.system_account(wallet.asset, "REVENUE" if request.type == "SPEND" else "TREASURY")
        sides = [(wallet, 0), (other, wallet.my_stripe())]
        return _moved(Decimal(str(request.amount)), *(sides if request.type == "SPEND" else sides[::-1]))

    def _plan_transfer(self, request: Operation) -> Plan | Refused:
        """TRANSFER: from wallet to wallet."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        assert request.account_id is not None
        assert request.to_account_id is not None
        wallets = (self.accounts[request.account_id], self.accounts[request.to_account_id])
        return _moved(Decimal(str(request.amount)), *((wallet, 0) for wallet in wallets))

    def _plan_hold(self, request: Operation) -> Plan | Refused:
        """HOLD: a wallet's, for revenue or for another wallet."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if request.expires_at is not None:
            left = datetime.fromisoformat(str(request.expires_at)) - datetime.now(UTC)
            if not timedelta(0) < left < timedelta(days=HOLD_DAYS_MAX):
                return Refused("expiry_out_of_range")
        assert request.account_id is not None
        wallet = self.accounts[request.account_id]
        dest, stripe = self.system_account(wallet.asset, "REVENUE"), wallet.my_stripe()
        if request.to_account_id is not None:
            dest, stripe = self.accounts[request.to_account_id], 0
        return _moved(Decimal(str(request.amount)), (wallet, 0), (dest, stripe))

    def _plan_hold_end(self, request: Operation) -> Plan | Refused:
        """CAPTURE and VOID."""
        hold = next((one for one in self.holds if one.id == str(request.related_id)), None)
        if hold is None:
            return Refused("hold_not_found")
        asset = hold.account.asset
        if request.type == "VOID":
            return Plan([], asset, hold.amount, hold=hold)
        amount = hold.amount if request.amount is None else Decimal(str(request.amount))
        if not is_good_amount(amount, asset.decimals):
            return Refused("validation_failed", frozenset({"amount"}))
        if amount > hold.amount:
            return Refused("capture_exceeds_hold")
        plan = _moved(amount, (hold.account, 0), (hold.dest, hold.dest_stripe))
        return replace(plan, hold=hold, extras={"holdId": hold.id})

    def _plan_refund(self, request: Operation) -> Plan | Refused:
        """REFUND: an earlier transaction, or part of it, the other way round."""
        original = next((one for one in self.transactions if one.id == str(request.related_id)), None)
        if original is None:
            return Refused("transaction_not_found")
        asked = None if request.amount is None else Decimal(str(request.amount))
        if asked is not None and not is_good_amount(asked, original.asset.decimals):
            return Refused("validation_failed", frozenset({"amount"}))
        if original.request.type in ("REFUND", "CONVERSION"):
            return Refused("not_refundable")
        has_many_legs = original.source is None
        if has_many_legs and asked not in (None, original.amount):
            return Refused("not_refundable")
        if not original.asset.is_active:
            return Refused("asset_inactive")
        if has_many_legs:
            legs = [replace_amount(one, -one.amount) for one in original.legs]
            plan = Plan(legs, original.asset, original.amount)
        else:
            from_, to = original.legs
            amount = original.amount - original.refunded if asked is None else asked
            plan = _moved(amount, (to.account, to.stripe), (from_.account, from_.stripe))
        debt = plan.source.debt_max if plan.source is not None and request.on_shortfall == "debt" else Decimal(0)
        return replace(plan, original=original, debt=debt, extras={"refundOf": original.id})

    def _plan_journal(self, request: Operation) -> Plan | Refused:
        """JOURNAL: debits and credits that balance."""
        entries = request.entries or ()
        accounts = [self.accounts.get(UUID(str(one["accountId"]))) for one in entries]
        amounts = [Decimal(str(one["amount"])) for one in entries]
        asset = self.assets.get(request.asset_type_id) if request.asset_type_id else None
        found = [one for one in accounts if one is not None]
        if len(found) < len(accounts):
            return Refused("account_not_found")
        if asset is None:
            return Refused("asset_type_not_found")
        if any(one.type == "CONVERSION" for one in found):
            return Refused("not_a_wallet")
        if any(one.asset is not asset for one in found):
            return Refused("asset_mismatch")
        if not all(has_decimals(amount, asset.decimals) for amount in amounts):
            return Refused("validation_failed", frozenset({"entries"}))
        if not asset.is_active:
            return Refused("asset_inactive")
        stripe = found[0].my_stripe()
        legs = [
            Leg(account, 0 if account.type == "USER" else stripe, -amount if one["entryType"] == "DEBIT" else amount)
            for account, amount, one in zip(found, amounts, entries, strict=True)
        ]
        return Plan(legs, asset, sum((one.amount for one in legs if one.amount > 0), Decimal(0)))

    def _plan_conversion(self, request: Operation) -> Plan | Refused:
        """CONVERSION: one asset out, another in; what is beyond the decimals of the other is cut off."""
        wallets = [self.accounts.get(one) for one in (request.account_id, request.to_account_id) if one is not None]
        found = [one for one in wallets if one is not None]
        if len(found) < 2:
            return Refused("account_not_found")
        from_, to = found
        if any(one.type != "USER" for one in found):
            return Refused("not_a_wallet")
        if from_.asset is to.asset:
            return Refused("asset_mismatch")
        amount, rate = Decimal(str(request.amount)), Decimal(str(request.rate))
        if not has_decimals(amount, from_.asset.decimals):
            return Refused("validation_failed", frozenset({"amount"}))
        if not (from_.asset.is_active and to.asset.is_active):
            return Refused("asset_inactive")
        with localcontext(prec=60):
            credited = (amount * rate).quantize(Decimal(1).scaleb(-to.asset.decimals), ROUND_DOWN)
            remainder = amount * rate - credited
        if not 0 < credited < AMOUNT_LIMIT:
            return Refused("conversion_out_of_range")
        legs = [
            Leg(from_, 0, -amount),
            Leg(self.system_account(from_.asset, "CONVERSION"), from_.stripe_hash % from_.asset.stripe_count, amount),
            Leg(self.system_account(to.asset, "CONVERSION"), from_.stripe_hash % to.asset.stripe_count, -credited),
            Leg(to, 0, credited),
        ]
        extras = {"rate": rate, "creditedAmount": credited, "remainder": remainder}
        return Plan(legs, from_.asset, amount, extras=extras)

    def _refusal(self, request: Operation) -> Refused | None:
        """Why an operation between two accounts of an asset is refused before its balance is looked at."""
        accounts = [self.accounts.get(request.account_id) if request.account_id else None]
        if request.to_account_id is not None:
            accounts.append(self.accounts.get(request.to_account_id))
        found = [one for one in accounts if one is not None]
        if len(found) < len(accounts):
            return Refused("account_not_found")
        asset = self.assets.get(request.asset_type_id) if request.asset_type_id else None
        if asset is None:
            return Refused("asset_type_not_found")
        if any(one.type != "USER" for one in found):
            return Refused("not_a_wallet")
        if any(one.asset is not asset for one in found):
            return Refused("asset_mismatch")
        if not has_decimals(request.amount, asset.decimals):
            return Refused("validation_failed", frozenset({"amount"}))
        if not asset.is_active:
            return Refused("asset_inactive")
        return None

    # Reading

    def system_account(self, asset: Asset, account_type: str) -> Account:
        """The asset's treasury or revenue account."""
        (found,) = (one for one in self.accounts.values() if one.asset is asset and one.type == account_type)
        return found

    def balance(self, account_id: UUID) -> Json | Refused:
        """The balance of an account, as it is shown."""
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        return {
            "accountId": str(account.id),
            "balance": account.balance(),
            **account.funds(),
            "assetTypeId": str(account.asset.id),
        }

    def account(self, account_id: UUID) -> Json | Refused:
        """An account, as it is shown."""
        account = self.accounts.get(account_id)
        return Refused("account_not_found") if account is None else account.json()

    def transaction(self, transaction_id: UUID) -> Json | Refused:
        """A transaction, as it is shown."""
        made: list[Transaction | Hold] = [*self.transactions, *self.holds]
        found = next((one for one in made if one.id == str(transaction_id)), None)
        return Refused("transaction_not_found") if found is None else found.shown()

    def hold(self, hold_id: UUID) -> Json | Refused:
        """A hold, as it is shown."""
        found = next((one for one in self.holds if one.id == str(hold_id)), None)
        return Refused("hold_not_found") if found is None else found.shown()

    def balance_at(self, account_id: UUID, at: str) -> Decimal | Refused:
        """The balance an account had at an instant."""
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        return sum((one.amount for one in account.entries if one.transaction.created_at <= at), Decimal(0))

    def statement(self, account_id: UUID, from_at: str, to_at: str) -> Json | Refused:
        """An account's entries after an instant and up to another, and its balances there."""
        if from_at > to_at:
            return Refused("validation_failed", frozenset({"from"}))
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        lines, ends = [], {from_at: (0, Decimal(0)), to_at: (0, Decimal(0))}
        for place, (one, balance) in enumerate(account.history(), 1):
            shown = one.transaction.shown()
            for end in (from_at, to_at):
                if shown["createdAt"] <= end:
                    ends[end] = (place, balance)
            if from_at < shown["createdAt"] <= to_at:
                lines.append(
                    {
                        "id": one.transaction.id[:34] + f"{one.leg:02x}",
                        "transactionId": one.transaction.id,
                        "version": place,
                        "type": shown["type"],
                        "entryType": one.entry_type,
                        "amount": abs(one.amount),
                        "balanceAfter": balance,
                        "createdAt": shown["createdAt"],
                        "referenceId": shown["referenceId"],
                        "description": shown["description"],
                        "counterpartyAccountIds": [
                            str(leg.account.id) for leg in one.transaction.legs if leg.account is not account
                        ],
                    }
                )
        opening, closing = (dict(zip(("version", "balance"), ends[end], strict=True)) for end in (from_at, to_at))
        return {"from": from_at, "to": to_at, "opening": opening, "closing": closing, "lines": lines}

    def ledger_page(self, account_id: UUID, page: int, limit: int) -> Json | Refused:
        """A page of an account's entries, newest first."""
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        rows = [
            {
                "id": one.transaction.id[:34] + f"{one.leg:02x}",
                "transactionId": one.transaction.id,
                "accountId": str(account.id),
                "entryType": one.entry_type,
                "amount": abs(one.amount),
                "balanceAfter": balance,
                "version": place,
                "createdAt": one.transaction.created_at,
            }
            for place, (one, balance) in enumerate(account.history(), 1)
        ]
        return paged(rows[::-1], page, limit)

    def list_transactions(
        self, account_id: UUID | None, type_: str | None, status: str | None, page: int, limit: int
    ) -> Json | Refused:
        """A page of transactions, newest first."""
        wrong = {
            name
            for name, value, known in (("type", type_, (*POSTING_TYPES, "HOLD")), ("status", status, STATUSES))
            if value not in (None, *known)
        }
        if wrong:
            return Refused("validation_failed", frozenset(wrong))
        if type_ == "HOLD" or (type_ is None and status in ("PENDING", "FAILED")):
            return self.list_holds(account_id, status, page, limit)
        if account_id is None:
            found = sorted(self.transactions, key=lambda one: one.id)
        else:
            account = self.accounts.get(account_id)
            found = [one.transaction for one, _ in account.history()] if account else []
        rows = [
            one.shown()
            for one in found
            if (type_ is None or one.request.type == type_) and (status is None or status == "COMPLETED")
        ]
        return paged(rows[::-1], page, limit)

    def list_holds(self, account_id: UUID | None, status: str | None, page: int, limit: int) -> Json | Refused:
        """A page of holds, newest first."""
        if status not in (None, *STATUSES, *HOLD_STATUS, "EXPIRED"):
            return Refused("validation_failed", frozenset({"status"}))
        rows = [
            one.shown()
            for one in sorted(self.holds, key=lambda one: one.id, reverse=True)
            if account_id in (None, one.account.id) and status in (None, one.state, HOLD_STATUS[one.state])
        ]
        return paged(rows, page, limit)


def _moved(amount: Decimal, source: tuple[Account, int], dest: tuple[Account, int]) -> Plan:
    """An amount that goes from one row to another."""
    legs = [Leg(*source, -amount), Leg(*dest, amount)]
    return Plan(legs, source[0].asset, amount, source[0], dest[0])


def replace_amount(leg: Leg, amount: Decimal) -> Leg:
    """The same row with another amount."""
    return Leg(leg.account, leg.stripe, amount)


def paged(rows: list[Json], page: int, limit: int) -> Json:
    """A page of a list, with its numbers clamped."""
    page, limit = max(page, 1), min(max(limit, 1), PAGE_SIZE_MAX)
    start = (page - 1) * limit
    return {
        "data": rows[start : start + limit],
        "pagination": {"page": page, "limit": limit, "total": len(rows), "totalPages": -(-len(rows) // limit)},
    }


def is_good_key(key: str | None) -> bool:
    """Whether it is an idempotency key."""
    return key is not None and _KEY.fullmatch(key) is not None


def malformation(request: Operation, *, over_http: bool) -> Refused | None:
    """Why an operation is refused whatever the state of the world is.

    Args:
        request: the operation.
        over_http: whether the service looks at it: at all that can be seen without adding up or looking up.
    """
    if not is_good_key(request.key):
        return Refused("idempotency_key_missing")
    type_ = request.type
    names = fields_of(type_) if type_ in TYPES else fields_of("SPEND")
    required = {"account_id", "asset_type_id", "entries", "related_id"} & {*names}
    if type_ in ("TRANSFER", "CONVERSION"):
        required |= {"to_account_id"}
    wrong = {public_name(type_, name) for name in required if getattr(request, name) is None}
    if type_ not in TYPES:
        wrong.add("type")
    if request.metadata is not None and not isinstance(request.metadata, dict):
        wrong.add("metadata")
    if "entries" in names and not (are_entries if over_http else are_good_entries)(request.entries):
        wrong.add("entries")
    if "rate" in names and not is_good_rate(request.rate):
        wrong.add("rate")
    if request.on_shortfall not in (None, "refuse", "debt"):
        wrong.add("onShortfall")
    may_be_left_out = type_ in ("REFUND", "CAPTURE")
    has_bad_amount = (
        "amount" in names
        and not (may_be_left_out and request.amount is None)
        and not is_good_amount(request.amount, DECIMALS_MAX)
    )
    # The amount of these is looked at when it is known what they mean.
    if has_bad_amount and (over_http or wrong or not may_be_left_out):
        wrong.add("amount")
    is_one_account = request.to_account_id is not None and request.to_account_id == request.account_id
    # The database lets a conversion of a wallet into itself go as far as its assets.
    if is_one_account and (type_ != "CONVERSION" or over_http or wrong):
        wrong.add("toAccountId")
    return Refused("validation_failed", frozenset(wrong)) if wrong else None


def wrong_account_fields(request: AccountRequest) -> tuple[frozenset[str], frozenset[str]]:
    """The fields of a request for a wallet that are missing, and those of a wrong length."""
    values = request.json()
    missing = {name for name in ("name", "assetTypeId") if values[name] is None}
    wrong = {
        name
        for name, shortest, longest in (("name", 1, 255), ("externalId", 1, 255), ("email", 3, 320))
        if values[name] is not None and not shortest <= len(values[name]) <= longest
    }
    return frozenset(missing), frozenset(wrong)


def public_name(type_: str | None, name: str) -> str:
    """What a field of an operation of this type is called over HTTP."""
    if name == "account_id":
        return "fromAccountId" if type_ in ("TRANSFER", "CONVERSION") else "accountId"
    if name == "related_id":
        return "transactionId" if type_ == "REFUND" else "holdId"
    if name == "description":
        return "reason" if type_ == "REFUND" else "description"
    return FIELDS[name]


def body_of(request: Operation) -> Json:
    """The operation as an item of a batch over HTTP, without type and key."""
    names = fields_of(request.type) if request.type in TYPES else fields_of("SPEND")
    return {public_name(request.type, name): getattr(request, name) for name in names if name != "key"}


def differences(first: Operation, second: Operation) -> frozenset[str]:
    """The public names of the fields in which a request differs from the first one with its key."""
    if first.type != second.type and not {first.type, second.type} <= {*SIMPLE_TYPES}:
        return frozenset({"type"})
    names = [one for one in fields_of(second.type) if one != "key"]
    differing = {public_name(second.type, name) for name in names if _asked(first, name) != _asked(second, name)}
    return frozenset(differing | ({"type"} if first.type != second.type else set()))


def _asked(request: Operation, name: str) -> object:
    """A field in a form in which the same is equal."""
    value = getattr(request, name)
    if name == "to_account_id" and request.type in ("TOP_UP", "BONUS"):
        # Where they went, for a transfer under their key.
        return request.account_id
    if value is None:
        return "refuse" if name == "on_shortfall" else None
    if name in ("amount", "rate"):
        return Decimal(str(value))
    if name == "entries":
        return [(one["accountId"], one["entryType"], Decimal(str(one["amount"]))) for one in value]
    return value


def is_good_amount(amount: object, decimals: int) -> bool:
    """Whether it is an amount that may be posted."""
    return has_decimals(amount, decimals) and 0 < Decimal(str(amount)) < AMOUNT_LIMIT


def is_good_rate(rate: object) -> bool:
    """Whether it is the rate of a conversion."""
    return has_decimals(rate, RATE_DECIMALS_MAX) and 0 < Decimal(str(rate)) < RATE_LIMIT


def are_entries(entries: object) -> bool:
    """Whether they are 2 to 100 entries with amounts."""
    return (
        isinstance(entries, list)
        and 2 <= len(entries) <= ENTRIES_MAX
        and all(is_good_amount(one["amount"], DECIMALS_MAX) for one in entries)
    )


def are_good_entries(entries: object) -> bool:
    """Whether they are a journal, whoever the accounts are."""
    if not isinstance(entries, list) or not are_entries(entries):
        return False
    sums = [
        sum(Decimal(str(one["amount"])) for one in entries if one["entryType"] == side) for side in ("DEBIT", "CREDIT")
    ]
    return sums[0] == sums[1] and len({one["accountId"] for one in entries}) == len(entries)


def has_decimals(amount: object, decimals: int) -> bool:
    """Whether it is a finite number with at most that many digits after the point."""
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return False
    # Not `round`: its precision is the context's.
    return number.is_finite() and number == number.quantize(Decimal(1).scaleb(-decimals))


def plain(number: Decimal) -> str:
    """A number without an exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
