"""What the wallet means, in plain Python: one operation after the other, on dicts and lists.

Whatever only the database can choose (ids, instants, the stripe of a wallet) is learned from its first answer, and held
against all later ones. A new operation is one more method here, one in tests/model/callers.py and one rule in
tests/model/machine.py.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.support.ledger import Request

Json = dict[str, Any]

TYPES = ("TOP_UP", "BONUS", "SPEND")
STATUSES = ("PENDING", "COMPLETED", "FAILED")
AMOUNT_LIMIT = Decimal(10) ** 14
DECIMALS_MAX = 4
STRIPES_MAX = 256
PAGE_SIZE_MAX = 100
FIELDS = {
    "type": "type",
    "account_id": "accountId",
    "asset_type_id": "assetTypeId",
    "amount": "amount",
    "reference_id": "referenceId",
    "description": "description",
    "metadata": "metadata",
}
"""The public names of a request's fields."""

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

    request: Request
    source: "Account"
    dest: "Account"
    id: str = ""
    created_at: str = ""
    """RFC 3339 in UTC with microseconds: later is greater, also as text."""
    learned: Json = field(default_factory=dict)
    """The first answer: fields that the model says nothing of never change either."""

    @property
    def amount(self) -> Decimal:
        """What moves from source to dest."""
        return Decimal(str(self.request.amount))

    def learn(self, answer: Json) -> None:
        """Take id, instant and what else there is from the first answer."""
        self.id, self.created_at, self.learned = answer["id"], answer["createdAt"], answer

    def json(self) -> Json:
        """The transaction as it is shown."""
        request = self.request
        return {
            **self.learned,
            "id": self.id,
            "idempotencyKey": request.key,
            "type": request.type,
            "status": "COMPLETED",
            "sourceAccountId": str(self.source.id),
            "destAccountId": str(self.dest.id),
            "assetTypeId": str(request.asset_type_id),
            "amount": self.amount,
            "description": request.description,
            "referenceId": request.reference_id,
            "metadata": request.metadata,
            "createdAt": self.created_at,
            "updatedAt": self.created_at,
        }


@dataclass(frozen=True)
class Entry:
    """One side of a transaction, in one row of accounts."""

    transaction: Transaction
    leg: int
    """1: the debit, 2: the credit."""
    stripe: int
    version: int
    """Of the row."""
    balance_after: Decimal
    """Of the row."""

    @property
    def amount(self) -> Decimal:
        """What it adds to the balance."""
        return self.transaction.amount if self.leg == 2 else -self.transaction.amount

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
    """Of a wallet: which stripe of the system accounts it uses, modulo their number."""
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

    def add(self, transaction: Transaction, leg: int, stripe: int) -> None:
        """Add an entry to one of its rows."""
        version, balance = self.stripe(stripe)
        amount = transaction.amount if leg == 2 else -transaction.amount
        self.entries.append(Entry(transaction, leg, stripe, version + 1, balance + amount))

    def history(self) -> list[tuple[Entry, Decimal]]:
        """The entries, oldest first, each with the balance of the whole account after it."""
        balance = Decimal(0)
        found = []
        for entry in sorted(self.entries, key=Entry.order):
            balance += entry.amount
            found.append((entry, balance))
        return found

    def json(self) -> Json:
        """The account as it is shown."""
        return {
            "id": str(self.id),
            "externalId": self.external_id,
            "accountType": self.type,
            "name": self.name,
            "email": self.email,
            "assetTypeId": str(self.asset.id),
            "balance": self.balance(),
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


@dataclass(frozen=True)
class Done:
    """A request that was carried out, now or before."""

    made: Transaction | AccountMade
    replayed: bool


Outcome = Done | Refused


class Model:
    """The whole wallet."""

    def __init__(self) -> None:
        self.assets: dict[UUID, Asset] = {}
        self.accounts: dict[UUID, Account] = {}
        """Wallets and system accounts, by id."""
        self.transactions: list[Transaction] = []
        """In the order in which they were made."""
        self.keys: dict[str, Transaction | AccountMade] = {}

    # Making assets and accounts

    def create_asset_type(self, asset: Asset, treasury: Account, revenue: Account) -> None:
        """Add an asset with its system accounts."""
        self.assets[asset.id] = asset
        self.accounts[treasury.id] = treasury
        self.accounts[revenue.id] = revenue

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

    # Posting

    def post(self, request: Request) -> Outcome:
        """Answer one posting."""
        malformed = malformation(request)
        if malformed is not None:
            return malformed
        assert request.key is not None
        refusal = self._refusal(request)
        if refusal is not None and refusal.code == "validation_failed":
            return refusal
        known = self.keys.get(request.key)
        if isinstance(known, Transaction):
            differing = differences(known.request, request)
            return Refused("idempotency_key_reused", differing) if differing else Done(known, True)
        if known is not None:
            return Refused("idempotency_key_reused", frozenset({"endpoint"}))
        return refusal or self._move(request)

    def post_atomic(self, requests: Sequence[Request], *, over_http: bool) -> list[Outcome] | tuple[int, Refused]:
        """Answer all of them, or give the index of the first that is refused.

        Args:
            requests: the items.
            over_http: whether malformed items are found before all others.
        """
        if over_http:
            for index, request in enumerate(requests):
                malformed = malformation(request)
                if malformed is not None:
                    return index, malformed
        outcomes: list[Outcome] = []
        for index, request in enumerate(requests):
            outcome = self.post(request)
            if isinstance(outcome, Refused):
                self._undo(outcomes)
                return index, outcome
            outcomes.append(outcome)
        return outcomes

    def _refusal(self, request: Request) -> Refused | None:
        """Why a well-formed request is refused before its balance is looked at."""
        assert request.account_id is not None
        assert request.asset_type_id is not None
        account = self.accounts.get(request.account_id)
        if account is None:
            return Refused("account_not_found")
        asset = self.assets.get(request.asset_type_id)
        if asset is None:
            return Refused("asset_type_not_found")
        if account.type != "USER":
            return Refused("not_a_wallet")
        if account.asset is not asset:
            return Refused("asset_mismatch")
        if not has_decimals(request.amount, asset.decimals):
            return Refused("validation_failed", frozenset({"amount"}))
        if not asset.is_active:
            return Refused("asset_inactive")
        return None

    def _move(self, request: Request) -> Outcome:
        assert request.key is not None
        assert request.account_id is not None
        wallet = self.accounts[request.account_id]
        other = self.system_account(wallet.asset, "REVENUE" if request.type == "SPEND" else "TREASURY")
        stripe = wallet.stripe_hash % wallet.asset.stripe_count
        source, dest = (wallet, other) if request.type == "SPEND" else (other, wallet)
        transaction = Transaction(request, source, dest)
        if source.floor is not None:
            available = source.stripe(0 if source is wallet else stripe)[1] - source.floor
            if transaction.amount > available:
                return Refused(
                    "insufficient_balance",
                    sentence=f"Insufficient balance: {plain(available)} available,"
                    f" {plain(transaction.amount)} asked for.",
                )
        source.add(transaction, 1, 0 if source is wallet else stripe)
        dest.add(transaction, 2, 0 if dest is wallet else stripe)
        self.transactions.append(transaction)
        self.keys[request.key] = transaction
        return Done(transaction, False)

    def _undo(self, outcomes: Iterable[Outcome]) -> None:
        undone = [one.made for one in outcomes if isinstance(one, Done) and not one.replayed]
        for account in self.accounts.values():
            account.entries = [one for one in account.entries if one.transaction not in undone]
        self.transactions = [one for one in self.transactions if one not in undone]
        self.keys = {key: made for key, made in self.keys.items() if made not in undone}

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
            "held": Decimal(0),
            "available": None if account.floor is None else account.balance() - account.floor,
            "assetTypeId": str(account.asset.id),
        }

    def account(self, account_id: UUID) -> Json | Refused:
        """An account, as it is shown."""
        account = self.accounts.get(account_id)
        return Refused("account_not_found") if account is None else account.json()

    def transaction(self, transaction_id: UUID) -> Json | Refused:
        """A transaction, as it is shown."""
        found = next((one for one in self.transactions if one.id == str(transaction_id)), None)
        return Refused("transaction_not_found") if found is None else found.json()

    def balance_at(self, account_id: UUID, at: str) -> Decimal | Refused:
        """The balance an account had at an instant."""
        account = self.accounts.get(account_id)
        if account is None:
            return Refused("account_not_found")
        return sum((one.amount for one in account.entries if one.transaction.created_at <= at), Decimal(0))

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
                "entryType": "DEBIT" if one.leg == 1 else "CREDIT",
                "amount": one.transaction.amount,
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
            for name, value, known in (("type", type_, TYPES), ("status", status, STATUSES))
            if value not in (None, *known)
        }
        if wrong:
            return Refused("validation_failed", frozenset(wrong))
        if account_id is None:
            found = sorted(self.transactions, key=lambda one: one.id)
        else:
            account = self.accounts.get(account_id)
            found = [one.transaction for one, _ in account.history()] if account else []
        rows = [
            one.json()
            for one in found
            if (type_ is None or one.request.type == type_) and (status is None or status == "COMPLETED")
        ]
        return paged(rows[::-1], page, limit)


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


def malformation(request: Request) -> Refused | None:
    """Why a posting is refused whatever the state of the world is."""
    if not is_good_key(request.key):
        return Refused("idempotency_key_missing")
    wrong = {FIELDS[name] for name in ("account_id", "asset_type_id") if getattr(request, name) is None}
    if request.type not in TYPES:
        wrong.add("type")
    if not has_decimals(request.amount, DECIMALS_MAX) or not 0 < Decimal(str(request.amount)) < AMOUNT_LIMIT:
        wrong.add("amount")
    if request.metadata is not None and not isinstance(request.metadata, dict):
        wrong.add("metadata")
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


def differences(first: Request, second: Request) -> frozenset[str]:
    """The public names of the fields in which a request differs from the first one with its key."""
    values = [
        {
            one.name: Decimal(str(getattr(request, one.name))) if one.name == "amount" else getattr(request, one.name)
            for one in fields(Request)
        }
        for request in (first, second)
    ]
    return frozenset(FIELDS[name] for name in FIELDS if values[0][name] != values[1][name])


def has_decimals(amount: object, decimals: int) -> bool:
    """Whether it is a finite number with at most that many digits after the point."""
    if amount is None:
        return False
    number = Decimal(str(amount))
    # Not `round`: its precision is the context's.
    return number.is_finite() and number == number.quantize(Decimal(1).scaleb(-decimals))


def plain(number: Decimal) -> str:
    """A number without an exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
