"""What many clients were told, the rows that are left, and a checker that holds the one to the other.

The checker knows nothing of how the wallet works. It looks at the entries as a book, and at the calls as intervals:
what was answered must be explained by an order of the postings in which none comes before a call that had ended before
it began.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from uuid import UUID

from tests.model.callers import Made, Refusal
from tests.support.database import Connection
from tests.support.model import differences, plain
from tests.support.operations import Operation


@dataclass(frozen=True)
class AccountRow:
    """A row of accounts: a wallet, or a stripe of a system account."""

    id: UUID
    floor: Decimal | None
    version: int
    balance: Decimal


@dataclass(frozen=True)
class EntryRow:
    """A row of entries."""

    account_id: UUID
    version: int
    transaction_id: UUID
    entry_type: str
    amount: Decimal
    balance_after: Decimal
    created_at: datetime

    @property
    def change(self) -> Decimal:
        """What it adds to the balance."""
        return self.amount if self.entry_type == "CREDIT" else -self.amount


@dataclass(frozen=True)
class TransactionRow:
    """A row of transactions."""

    id: UUID
    type: str
    key: str
    asset_type_id: UUID
    amount: Decimal
    source_account_id: UUID
    source_version: int
    dest_account_id: UUID
    dest_version: int
    reference_id: str | None
    description: str | None
    metadata: dict[str, object] | None = field(hash=False)

    @property
    def wallet_id(self) -> UUID:
        """The wallet it moved."""
        return self.source_account_id if self.type == "SPEND" else self.dest_account_id

    @property
    def wallet_version(self) -> int:
        """The version of the wallet it made."""
        return self.source_version if self.type == "SPEND" else self.dest_version

    def request(self) -> Operation:
        """What was asked for."""
        return Operation(
            type=self.type,
            key=self.key,
            account_id=self.wallet_id,
            asset_type_id=self.asset_type_id,
            amount=self.amount,
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )


@dataclass(frozen=True)
class Call:
    """A posting that was answered, and when, by one clock for all clients."""

    request: Operation
    answer: Made | Refusal
    began: float
    ended: float


@dataclass(frozen=True)
class Read:
    """A balance of a wallet that was told."""

    account_id: UUID
    balance: Decimal
    began: float
    ended: float


@dataclass(frozen=True)
class History:
    """Everything there is to know."""

    accounts: Sequence[AccountRow]
    entries: Sequence[EntryRow]
    transactions: Sequence[TransactionRow]
    keys: Sequence[tuple[str, UUID]]
    """The keys that made a transaction."""
    calls: Sequence[Call]
    reads: Sequence[Read]
    forgotten_keys: frozenset[str] = frozenset()
    """Keys that were used in transactions that were rolled back, and nowhere else."""

    @cached_property
    def entries_of(self) -> Mapping[UUID, Sequence[EntryRow]]:
        """The entries of each account, by version."""
        found: dict[UUID, list[EntryRow]] = defaultdict(list)
        for entry in sorted(self.entries, key=lambda one: one.version):
            found[entry.account_id].append(entry)
        return found

    @cached_property
    def transaction_of(self) -> Mapping[UUID, TransactionRow]:
        """The transactions, by id."""
        return {one.id: one for one in self.transactions}

    @cached_property
    def made(self) -> Mapping[UUID, Sequence[tuple[Call, int]]]:
        """For each wallet the calls that were told of a transaction that exists, with the version it made."""
        found: dict[UUID, list[tuple[Call, int]]] = defaultdict(list)
        for call in self.calls:
            if isinstance(call.answer, Made):
                transaction = self.transaction_of.get(UUID(call.answer.answer["id"]))
                if transaction is not None:
                    found[transaction.wallet_id].append((call, transaction.wallet_version))
        return found


def violations(history: History) -> list[str]:
    """Everything that is wrong with a history; empty when it is explained."""
    checks = (
        _versions,
        _chains,
        _floors,
        _instants,
        _transactions,
        _keys,
        _acknowledged,
        _made_once,
        _order,
        _refusals,
        _reads,
    )
    return [found for check in checks for found in check(history)]


def _versions(history: History) -> Iterator[str]:
    for account in history.accounts:
        versions = [one.version for one in history.entries_of.get(account.id, ())]
        if versions != list(range(1, account.version + 1)):
            yield f"versions: account {account.id} is at {account.version} and has entries {versions}"


def _chains(history: History) -> Iterator[str]:
    for account in history.accounts:
        balance = Decimal(0)
        for entry in history.entries_of.get(account.id, ()):
            balance += entry.change
            if balance != entry.balance_after:
                yield f"chain: {entry} does not follow, it should leave {balance}"
                balance = entry.balance_after
        if balance != account.balance:
            yield f"chain: account {account.id} holds {account.balance}, its entries leave {balance}"


def _floors(history: History) -> Iterator[str]:
    for account in history.accounts:
        for entry in history.entries_of.get(account.id, ()):
            if account.floor is not None and entry.balance_after < account.floor:
                yield f"floor: {entry} is below {account.floor}"


def _instants(history: History) -> Iterator[str]:
    for entries in history.entries_of.values():
        for before, after in pairwise(entries):
            if after.created_at < before.created_at:
                yield f"instant: {after} is older than the entry before it"


def _transactions(history: History) -> Iterator[str]:
    entries_of = defaultdict(list)
    for entry in history.entries:
        entries_of[entry.transaction_id].append(entry)
    for transaction in history.transactions:
        own = entries_of.pop(transaction.id, [])
        if sum(one.change for one in own) != 0:
            yield f"sum: the entries of {transaction} are {own}"
        expected = {
            ("DEBIT", transaction.source_account_id, transaction.source_version, transaction.amount),
            ("CREDIT", transaction.dest_account_id, transaction.dest_version, transaction.amount),
        }
        found = [(one.entry_type, one.account_id, one.version, one.amount) for one in own]
        if len(found) != 2 or set(found) != expected:
            yield f"entries: {transaction} has {own}"
    for orphans in entries_of.values():
        yield f"entries: {orphans} have no transaction"


def _keys(history: History) -> Iterator[str]:
    for key, count in Counter(one.key for one in history.transactions).items():
        if count > 1:
            yield f"key: {key} made {count} transactions"
    for key, id_ in set(history.keys) ^ {(one.key, one.id) for one in history.transactions}:
        yield f"key: {key} and transaction {id_} do not know each other"
    for transaction in history.transactions:
        if transaction.key in history.forgotten_keys:
            yield f"key: {transaction} was rolled back"


def _acknowledged(history: History) -> Iterator[str]:
    first: dict[str, object] = {}
    for call in history.calls:
        if not isinstance(call.answer, Made):
            continue
        answer = call.answer.answer
        transaction = history.transaction_of.get(UUID(answer["id"]))
        if transaction is None:
            yield f"acknowledged: there is no transaction for {call}"
            continue
        asked, kept = call.request, transaction.request()
        told = (answer["idempotencyKey"], answer["type"], answer["amount"], answer["metadata"])
        if (
            asked.key != kept.key
            or differences(asked, kept)
            or told != (kept.key, kept.type, kept.amount, kept.metadata)
        ):
            yield f"acknowledged: {call} is not {transaction}"
        if first.setdefault(kept.key or "", answer) != answer:
            yield f"acknowledged: {call} was answered otherwise before: {first[kept.key or '']}"


def _made_once(history: History) -> Iterator[str]:
    made = Counter(
        call.request.key for call in history.calls if isinstance(call.answer, Made) and not call.answer.replayed
    )
    for key, count in made.items():
        if count > 1:
            yield f"made once: {count} calls were told that they made what is under {key}"


def _order(history: History) -> Iterator[str]:
    for told in history.made.values():
        for later, version in told:
            if isinstance(later.answer, Made) and later.answer.replayed:
                continue
            for earlier, version_before in told:
                if earlier.ended < later.began and version_before >= version:
                    yield f"order: {later} made version {version}, after {earlier} knew of version {version_before}"


def _refusals(history: History) -> Iterator[str]:
    keys = {one.key: one for one in history.transactions}
    floors = {one.id: one.floor for one in history.accounts}
    for call in history.calls:
        request, answer = call.request, call.answer
        if not isinstance(answer, Refusal):
            continue
        if answer.code == "idempotency_key_reused":
            known = keys.get(request.key or "")
            if known is None or not differences(known.request(), request):
                yield f"refusal: {call}, but the key made {known}"
        elif answer.code == "insufficient_balance":
            assert request.account_id is not None
            amount = Decimal(str(request.amount))
            floor = floors[request.account_id] or Decimal(0)
            sentences = {
                f"Insufficient balance: {plain(balance - floor)} available, {plain(amount)} asked for."
                for balance in _balances_between(history, request.account_id, call.began, call.ended)
                if balance - floor < amount
            }
            if answer.error not in sentences:
                yield f"refusal: {call}, explained would be {sentences}"
        else:
            yield f"refusal: {call} was not to be expected"


def _reads(history: History) -> Iterator[str]:
    for read in history.reads:
        balances = _balances_between(history, read.account_id, read.began, read.ended)
        if read.balance not in balances:
            yield f"read: {read}, explained would be {balances}"


def _balances_between(history: History, wallet_id: UUID, began: float, ended: float) -> set[Decimal]:
    """The balances the wallet may have had at some time between the two."""
    told = history.made.get(wallet_id, ())
    entries = history.entries_of.get(wallet_id, ())
    oldest = max((version for call, version in told if call.ended < began), default=0)
    newest = min(
        (
            version - 1
            for call, version in told
            if call.began > ended and isinstance(call.answer, Made) and not call.answer.replayed
        ),
        default=len(entries),
    )
    balances = [Decimal(0), *(one.balance_after for one in entries)]
    return set(balances[oldest : newest + 1])


def read_history(
    connection: Connection, calls: Sequence[Call], reads: Sequence[Read], forgotten_keys: frozenset[str]
) -> History:
    """Read the rows, when the calls are over."""

    def rows(query: str) -> list[tuple[object, ...]]:
        return connection.execute(query.encode()).fetchall()

    return History(
        accounts=[
            AccountRow(*row)  # type: ignore[arg-type]
            for row in rows("SELECT id, balance_min, version, balance FROM wallet.accounts")
        ],
        entries=[
            EntryRow(*row)  # type: ignore[arg-type]
            for row in rows(
                "SELECT account_id, version, transaction_id, entry_type::text, amount, balance_after, created_at"
                " FROM wallet.ledger_entries"
            )
        ],
        transactions=[
            TransactionRow(*row)  # type: ignore[arg-type]
            for row in rows(
                "SELECT id, type::text, idempotency_key, asset_type_id, amount, source_account_id, source_version,"
                " dest_account_id, dest_version, reference_id, description, metadata FROM wallet.transactions"
            )
        ],
        keys=rows("SELECT key, transaction_id FROM wallet.idempotency_keys WHERE account_id IS NULL"),  # type: ignore[arg-type]
        calls=calls,
        reads=reads,
        forgotten_keys=forgotten_keys,
    )
