"""Random histories of every operation, each step held against the model.

A rule draws an operation and its arguments, asks the wallet and the model, and compares. The ways to the wallet (SQL,
HTTP) are mixed within one history. After each step all rows are compared too.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from psycopg.types.json import Jsonb

from tests.model.books import Books, known_part
from tests.model.callers import Answer, Caller, Made, Refusal
from tests.support.model import (
    Account,
    AccountMade,
    AccountRequest,
    Asset,
    Done,
    Hold,
    Model,
    Outcome,
    Refused,
    Transaction,
)
from tests.support.operations import POSTING_TYPES, TYPES, Operation, entry, fields_of

NOBODY = UUID(int=7)
"""The id of nothing."""

BAD_KEYS = (None, "", "two words", "k" * 256)

# So few that two items of a batch often have the same.
KEYS_PER_STEP = 8

_NAMES = {one.name for one in fields(Operation)} - {"type", "key"}

# Numbers that place a history across the borders of the blocks in which transactions are counted: it begins with five.
FIRST_NUMBERS = (1015, 2**20 - 11)


EDGES = ("all", "more than all", "up to the ceiling", "above the ceiling")
"""Amounts that depend on what the wallet can spend, or may still be credited."""


@dataclass(frozen=True)
class Draft:
    """An operation before its ids are known. Of what follows its type, only the fields that count for it do."""

    type: str | None
    key: int | str | None
    """A number: one of the keys that are new in this step, or below zero one that is known."""
    account: int
    """Which wallet; below zero: nothing, nobody, a treasury, a revenue account."""
    asset: int
    """0: the wallet's; 1: another; 2: nobody's; 3: none."""
    amount: Decimal | int | str | None
    """Or one of `EDGES`."""
    reference_id: str | None = None
    description: str | None = None
    metadata: Any = None
    to: int = 0
    """0 to 3: one of the other wallets that fit; from 4: any wallet; below zero: as in `account`."""
    related: int = 0
    """Which transaction or hold, counted from the latest; -1: nobody's, -2: none, -3: one of the other sort."""
    entries: tuple[tuple[int, int | str], ...] = ()
    """The accounts that are debited, and by how much; what they give is credited to the last, `to`."""
    surplus: int = 0
    """What the credit is more than the debits."""
    expires_at: str | None = None
    on_shortfall: str | None = None
    rate: Decimal | int | str | None = 1


@dataclass(frozen=True)
class Repeat:
    """An earlier posting again, or almost."""

    which: int
    change: tuple[str, Any] | None


def rarely(usual: st.SearchStrategy[Any], *others: Any) -> st.SearchStrategy[Any]:
    """The usual, and once in a while another value."""
    return st.integers(0, 23).flatmap(lambda n: st.sampled_from(others) if n == 23 else usual)


ways = st.integers(0, 1)
new_keys = st.integers(0, KEYS_PER_STEP - 1)
texts = st.sampled_from([None, None, None, "", "order-1", "Gold für Zoë ✨"])
metadata = rarely(
    st.sampled_from([None, None, None, {}, {"a": 1, "b": {"c": [1, None, "x"]}}, {"b": {"c": [1, None, "x"]}, "a": 1}]),
    [1],
    "text",
)
amounts = rarely(
    st.sampled_from([1, 1, 2, 3, "1", "1.0", Decimal("0.01"), Decimal("2.50"), 10, 25, "7.7500"]),
    *(0, "-1", "0.001", "0.00001", Decimal(10) ** 14, "99999999999999.9999", None, "NaN"),
)

# Soon enough, too late, too far away. Nothing runs out while a history lasts.
NOW = datetime.now(UTC)
EXPIRIES = tuple((NOW + timedelta(days=days)).isoformat() for days in (100, -1, 400))

some_accounts = rarely(st.integers(0, 3), -1, -2, -3, -4, -5)
other_accounts = rarely(st.integers(0, 3), 4, 5, -1, -2, -3, -4, -5)
related = rarely(st.integers(0, 8), -1, -2, -3, 20)
rates = rarely(
    st.sampled_from([1, "0.5", Decimal("0.333333"), 3, "0.02"]), 0, "0.0000000000001", "0.00001", 10**9, "NaN", None
)
drafts = st.builds(
    Draft,
    type=rarely(st.sampled_from([*TYPES, "SPEND", "HOLD", "CAPTURE", "REFUND", "REFUND"]), "PAYMENT", None),
    key=rarely(new_keys, *range(-3, 0), *BAD_KEYS),
    account=some_accounts,
    asset=rarely(st.just(0), 1, 2, 3),
    amount=amounts,
    reference_id=texts,
    description=texts,
    metadata=metadata,
    to=other_accounts,
    related=related,
    entries=st.lists(
        st.tuples(rarely(st.integers(0, 3), -2, -3, -4, -5), rarely(st.sampled_from([1, "2", "0.5"]), 0, "0.001", "x")),
        min_size=1,
        max_size=3,
    ).map(tuple),
    surplus=rarely(st.just(0), 1),
    expires_at=rarely(st.sampled_from([None, EXPIRIES[0]]), *EXPIRIES[1:]),
    on_shortfall=rarely(st.sampled_from([None, "refuse", "debt", "debt"]), "perhaps"),
    rate=rates,
)
# Nothing wrong with most of these but the state of the world, so that histories grow; many go to the edge of it.
good_drafts = st.builds(
    Draft,
    type=st.sampled_from([*TYPES, "TOP_UP", "HOLD", "REFUND", "REFUND"]),
    key=new_keys,
    account=st.integers(0, 3),
    asset=st.just(0),
    amount=st.sampled_from([1, 2, 3, *EDGES]),
    to=st.integers(0, 3),
    related=st.integers(0, 4),
    entries=st.lists(st.tuples(st.sampled_from([0, 1, 2, -3, -4]), st.just(1)), min_size=1, max_size=2).map(tuple),
    surplus=st.sampled_from([0, 0, 0, 1]),
    on_shortfall=st.sampled_from([None, "debt"]),
    rate=st.sampled_from([1, "0.5", Decimal("0.333333"), 3]),
)
changes = st.one_of(
    st.none(),
    st.none(),
    st.tuples(st.just("type"), st.sampled_from(TYPES)),
    st.tuples(st.just("amount"), amounts),
    st.tuples(st.just("account"), st.integers(-5, 3)),
    st.tuples(st.just("to_account"), st.integers(-5, 3)),
    st.tuples(st.just("related"), related),
    st.tuples(st.just("on_shortfall"), st.sampled_from([None, "refuse", "debt"])),
    st.tuples(st.just("expires_at"), st.sampled_from([None, EXPIRIES[0]])),
    st.tuples(st.just("rate"), rates),
    st.tuples(st.just("reference_id"), texts),
    st.tuples(st.just("description"), texts),
    st.tuples(st.just("metadata"), metadata),
)
postings = st.one_of(drafts, drafts, good_drafts, st.builds(Repeat, which=st.integers(0, 1000), change=changes))
pages = rarely(st.integers(1, 4), 0, -3, 2**31 - 1)
limits = rarely(st.integers(0, 6), -1, 100, 101)
accounts = rarely(st.integers(0, 3), -1, -2, -3, -3, -4, -4, -5, -5)
settings = st.one_of(
    st.fixed_dictionaries({"status": st.sampled_from(["FROZEN", "ACTIVE", "ACTIVE", "CLOSED"])}),
    st.fixed_dictionaries({"status": st.just("FROZEN"), "creditsAllowed": st.booleans()}),
    st.fixed_dictionaries({"status": st.just("ACTIVE"), "creditLimit": st.sampled_from([0, 1, 20])}),
    st.fixed_dictionaries({"debtMax": st.sampled_from([0, 2, 50])}),
    st.fixed_dictionaries({"creditLimit": st.sampled_from([0, Decimal("0.5"), 20, 50])}),
    st.fixed_dictionaries({"balanceMax": st.sampled_from([None, None, 0, 10, 100])}),
)


class LedgerMachine(RuleBasedStateMachine):
    """One history. A subclass with its `books` is made by `machine_on`."""

    books: Books

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.assets: list[Asset] = []
        self.wallets: list[UUID] = []
        self.requests: list[Operation] = []
        self.page_size = 3
        self.steps = 0

    # What a history starts from

    @initialize(
        first_number=st.sampled_from(FIRST_NUMBERS),
        decimals=st.sampled_from([(2, 4), (4, 0), (0, 2)]),
        page_size=st.sampled_from([2, 3, 5]),
        stripes=st.sampled_from([1, 1, 2, 3]),
    )
    def begin(self, first_number: int, decimals: tuple[int, int], page_size: int, stripes: int) -> None:
        """Two assets and two wallets."""
        self.books.empty(first_number)
        self.page_size = page_size
        self.assets = [
            self.books.create_asset_type(self.model, symbol, places)
            for symbol, places in zip(("GC", "DM"), decimals, strict=True)
        ]
        self._set_stripes("GC", stripes)
        for asset in (self.assets[0], self.assets[0], self.assets[1]):
            self._create_account(self.books.callers[0], AccountRequest("Somebody", asset.id))

    # Writing

    @rule(
        way=ways,
        name=rarely(st.just("N"), "", None, "n" * 256),
        asset=rarely(st.integers(0, 1), 2, 3),
        external=st.sampled_from([None, None, "x1", "x2", "x3", "SYSTEM_TREASURY_GC", ""]),
        email=rarely(st.none(), "a@b.example", "@"),
        key=rarely(st.one_of(st.none(), st.integers(-5, 1)), *BAD_KEYS[1:]),
    )
    def create_account(
        self, way: int, name: str | None, asset: int, external: str | None, email: str | None, key: int | str | None
    ) -> None:
        """Open a wallet, or be refused, or get the first answer again."""
        asset_type_id = (*(one.id for one in self.assets), NOBODY, None)[asset]
        self._create_account(self._way(way), AccountRequest(name, asset_type_id, external, email, self._key(key)))

    @rule(way=ways, posting=postings)
    def post_alone(self, way: int, posting: Draft | Repeat) -> None:
        """One posting by itself."""
        caller, request = self._way(way), self._request(posting)
        outcome = self.model.post(request, over_http=caller.over_http)
        self._agree_all(caller, [outcome], [caller.post(request)])

    @rule(way=ways, drawn=st.lists(postings, min_size=1, max_size=9))
    def post_batch(self, way: int, drawn: Sequence[Draft | Repeat]) -> None:
        """A batch, in which each posting is for itself."""
        self._post_batch(way, drawn)

    @rule(
        way=ways,
        drawn=st.lists(
            st.tuples(st.sampled_from(["TOP_UP", "BONUS", "SPEND", "TRANSFER"]), st.integers(0, 3), st.integers(1, 3)),
            min_size=2,
            max_size=12,
        ),
    )
    def post_many(self, way: int, drawn: Sequence[tuple[str, int, int]]) -> None:
        """A batch of postings with nothing wrong but perhaps too small a balance, so that histories grow."""
        drafts = [
            Draft(type_, f"many-{self.steps}-{place}", account, 0, amount)
            for place, (type_, account, amount) in enumerate(drawn)
        ]
        self._post_batch(way, drafts)

    @rule(way=ways, drawn=st.lists(postings, min_size=1, max_size=5))
    def post_atomic(self, way: int, drawn: Sequence[Draft | Repeat]) -> None:
        """A batch that is posted whole or not at all."""
        caller, requests = self._way(way), self._requests(drawn)
        outcomes = self.model.post_atomic(requests, over_http=caller.over_http)
        answers = caller.post_atomic(requests)
        if isinstance(outcomes, tuple):
            assert isinstance(answers, tuple), (outcomes, answers)
            assert answers[0] == outcomes[0]
            self._agree(caller, outcomes[1], answers[1])
        else:
            assert isinstance(answers, list), (outcomes, answers)
            self._agree_all(caller, outcomes, answers)

    @rule(symbol=rarely(st.sampled_from(["GC", "DM"]), "NO"), count=st.sampled_from([0, 1, 2, 2, 3, 3, 5, 257]))
    def set_stripes(self, symbol: str, count: int) -> None:
        """The owner keeps the system accounts of an asset in more rows."""
        self._set_stripes(symbol, count)

    @rule(
        way=ways,
        drawn=st.lists(
            st.one_of(good_drafts, good_drafts, st.builds(Repeat, which=st.integers(0, 5), change=st.none())),
            min_size=2,
            max_size=10,
        ),
    )
    def operate(self, way: int, drawn: Sequence[Draft | Repeat]) -> None:
        """Operations one after the other, each on what those before have made, and some of them again."""
        for draft in drawn:
            self.post_alone(way, draft)

    @rule(way=ways, account=accounts, values=settings, drawn=st.lists(good_drafts, max_size=5))
    def change_account(self, way: int, account: int, values: dict[str, Any], drawn: Sequence[Draft]) -> None:
        """Freeze or close a wallet, or change what it may owe or hold; then see what that does to operations on it."""
        self._change_account(way, account, values)
        for draft in drawn:
            self.post_alone(way, replace(draft, account=account))

    @rule(which=st.integers(0, 1), symbol=rarely(st.just(True), False))
    def switch_asset(self, which: int, symbol: bool) -> None:
        """The owner switches an asset on, or now and then off."""
        asset = self.assets[which]
        asset.is_active = symbol
        self.books.connection.execute(
            "SELECT wallet.change_asset_type(%s, %s, 'a test')", [asset.id, Jsonb({"isActive": asset.is_active})]
        )

    # Reading

    @rule(way=ways, account=accounts)
    def read_account(self, way: int, account: int) -> None:
        """An account and its balance."""
        caller, account_id = self._way(way), self._account_id(account) or NOBODY
        expected = self.model.account(account_id)
        found = caller.account(account_id)
        if isinstance(expected, dict) and isinstance(found, dict) and expected["accountType"] != "USER":
            # A system account also changes when it gets another stripe.
            assert found["updatedAt"] >= expected["updatedAt"]
            expected = {**expected, "updatedAt": found["updatedAt"]}
        self._same(caller, expected, found)
        self._same(caller, self.model.balance(account_id), caller.balance(account_id))

    @rule(way=ways, which=st.integers(-1, 1000))
    def read_transaction(self, way: int, which: int) -> None:
        """A transaction, or a hold in its place."""
        caller, known = self._way(way), self._made()
        id_ = UUID(known[which % len(known)].id) if known and which >= 0 else NOBODY
        self._same(caller, self.model.transaction(id_), caller.transaction(id_))

    @rule(
        way=ways,
        which=st.integers(-1, 1000),
        account=st.one_of(st.none(), accounts),
        status=rarely(st.sampled_from([None, "PENDING", "COMPLETED", "FAILED", "ACTIVE", "VOIDED", "EXPIRED"]), "LOST"),
        page=pages,
        limit=limits,
    )
    def read_holds(self, way: int, which: int, account: int | None, status: str | None, page: int, limit: int) -> None:
        """A hold, and a page of holds."""
        caller, known = self._way(way), self.model.holds
        id_ = UUID(known[which % len(known)].id) if known and which >= 0 else NOBODY
        self._same(caller, self.model.hold(id_), caller.hold(id_))
        account_id = None if account is None else self._account_id(account) or NOBODY
        self._same(
            caller,
            self.model.list_holds(account_id, status, page, limit),
            caller.list_holds(account_id, status, page, limit),
        )

    @rule(way=ways, account=accounts, page=pages, limit=limits)
    def read_ledger(self, way: int, account: int, page: int, limit: int) -> None:
        """A page of an account's entries."""
        caller, account_id = self._way(way), self._account_id(account) or NOBODY
        self._same(caller, self.model.ledger_page(account_id, page, limit), caller.ledger_page(account_id, page, limit))

    @rule(
        way=ways,
        account=st.one_of(st.none(), accounts),
        type_=rarely(st.sampled_from([None, *POSTING_TYPES, "HOLD"]), "PAYMENT", "VOID"),
        status=rarely(st.sampled_from([None, None, "COMPLETED", "FAILED", "PENDING"]), "LOST"),
        page=pages,
        limit=limits,
    )
    def list_transactions(
        self, way: int, account: int | None, type_: str | None, status: str | None, page: int, limit: int
    ) -> None:
        """A page of transactions."""
        caller = self._way(way)
        account_id = None if account is None else self._account_id(account) or NOBODY
        self._same(
            caller,
            self.model.list_transactions(account_id, type_, status, page, limit),
            caller.list_transactions(account_id, type_, status, page, limit),
        )

    @precondition(lambda self: self.model.transactions)
    @rule(account=accounts, which=st.integers(0, 1000), microseconds=st.integers(-1, 1))
    def balance_at(self, account: int, which: int, microseconds: int) -> None:
        """The balance of an account at the instant of a posting, just before and just after."""
        account_id = self._account_id(account) or NOBODY
        at = self._instant(which, microseconds)
        sql = self.books.sql
        self._same(sql, self.model.balance_at(account_id, at), sql.balance_at(account_id, at))

    @precondition(lambda self: self.model.transactions)
    @rule(
        way=ways,
        account=accounts,
        ends=st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
        microseconds=st.tuples(st.integers(-1, 1), st.integers(-1, 1)),
        in_order=rarely(st.just(True), False),
    )
    def read_statement(
        self, way: int, account: int, ends: tuple[int, int], microseconds: tuple[int, int], *, in_order: bool
    ) -> None:
        """The statement of an account between the instants of two postings, or just before or after them."""
        caller, account_id = self._way(way), self._account_id(account) or NOBODY
        from_at, to_at = map(self._instant, ends, microseconds)
        if in_order:
            from_at, to_at = sorted((from_at, to_at))
        self._same(
            caller, self.model.statement(account_id, from_at, to_at), caller.statement(account_id, from_at, to_at)
        )

    @rule(way=ways)
    def list_asset_types(self, way: int) -> None:
        """All asset types, by symbol; an existing symbol made again gives the existing asset."""
        for asset in self.assets:
            assert self.books.ledger.create_asset_type(asset.symbol, 3) == asset.id
        found = [(one["id"], one["symbol"], one["decimals"], one["isActive"]) for one in self._way(way).asset_types()]
        expected = sorted(self.model.assets.values(), key=lambda one: one.symbol)
        assert found == [(str(one.id), one.symbol, one.decimals, one.is_active) for one in expected]

    # After each step, and at the end

    @invariant()
    def the_rows_agree(self) -> None:
        """Balances, versions, entries and keys."""
        if self.assets:
            self.books.check(self.model)

    def teardown(self) -> None:
        """Every page of every list, and the doctor; after a failure there is nothing to add."""
        if self.assets and sys.exception() is None:
            self.books.check_at_end(self.model, self.page_size)

    # Helpers

    def _made(self) -> list[Transaction | Hold]:
        return [*self.model.transactions, *self.model.holds]

    def _instant(self, which: int, microseconds: int) -> str:
        """The instant of a posting, or so many microseconds after it."""
        instant = datetime.fromisoformat(self.model.transactions[which % len(self.model.transactions)].created_at)
        return (instant + timedelta(microseconds=microseconds)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _way(self, way: int) -> Caller:
        self.steps += 1
        return self.books.callers[way % len(self.books.callers)]

    def _key(self, key: int | str | None) -> str | None:
        if not isinstance(key, int):
            return key
        known = list(self.model.keys)
        return known[key % len(known)] if key < 0 and known else f"key-{self.steps * KEYS_PER_STEP + key}"

    def _account_id(self, account: int) -> UUID | None:
        if account >= 0:
            return self.wallets[account % len(self.wallets)]
        asset = self.assets[0]
        return (
            None,
            NOBODY,
            self.model.system_account(asset, "TREASURY").id,
            self.model.system_account(asset, "REVENUE").id,
            self.model.system_account(asset, "CONVERSION").id,
        )[-account - 1]

    def _other_id(self, one: UUID | None, other: int, *, same_asset: bool) -> UUID | None:
        """Another wallet, of the same asset or of another, as far as there is one."""
        if 0 <= other < 4 and one in self.model.accounts:
            asset = self.model.accounts[one].asset
            fit = [
                id_ for id_ in self.wallets if id_ != one and (self.model.accounts[id_].asset is asset) == same_asset
            ]
            if fit:
                return fit[other % len(fit)]
        return self._account_id(other)

    def _amount(self, account: Account | None, amount: Decimal | int | str | None) -> Decimal | int | str | None:
        if amount not in EDGES:
            return amount
        if account is None:
            return 1
        available = account.funds()["available"]
        room = None if account.balance_max is None else account.balance_max - account.balance()
        edge = {"all": available, "more than all": available}.get(str(amount), room)
        beyond = 1 if str(amount) in ("more than all", "above the ceiling") else 0
        return 1 if edge is None or edge + beyond <= 0 else edge + beyond

    def _related_id(self, type_: str | None, related: int) -> UUID | None:
        made: Sequence[Transaction | Hold] = self.model.transactions
        if 0 <= related < 9:
            # Mostly what can be given back, so that it is, bit by bit.
            made = [one for one in self.model.transactions if one.request.type not in ("REFUND", "CONVERSION")]
        if (type_ == "REFUND") == (related == -3):
            made = self.model.holds
        if related == -2:
            return None
        return UUID(made[-1 - abs(related) % len(made)].id) if made and related != -1 else NOBODY

    def _request(self, posting: Draft | Repeat) -> Operation:
        request = self._repeated(posting) if isinstance(posting, Repeat) else self._drafted(posting)
        self.requests.append(request)
        return request

    def _requests(self, drawn: Sequence[Draft | Repeat]) -> list[Operation]:
        return [self._request(one) for one in drawn]

    def _drafted(self, draft: Draft) -> Operation:
        account_id = self._account_id(draft.account)
        account = self.model.accounts.get(account_id) if account_id else None
        own = self.assets.index(account.asset) if account else 0
        to_account_id = self._other_id(account_id, draft.to, same_asset=draft.type != "CONVERSION")
        debited = [(self._account_id(one), amount) for one, amount in draft.entries]
        total = sum(Decimal(str(amount)) for _, amount in debited if amount != "x") + draft.surplus
        return _only_what_counts(
            Operation(
                type=draft.type,
                key=self._key(draft.key),
                account_id=account_id,
                asset_type_id=(self.assets[own].id, self.assets[1 - own].id, NOBODY, None)[draft.asset],
                # Half of what may be left out is.
                amount=None
                if draft.type in ("REFUND", "CAPTURE") and draft.related % 2
                else self._amount(account, draft.amount),
                reference_id=draft.reference_id,
                description=draft.description,
                metadata=draft.metadata,
                # A hold is for revenue as often as for a wallet.
                to_account_id=None if draft.type == "HOLD" and draft.to in (0, 1) else to_account_id,
                related_id=self._related_id(draft.type, draft.related),
                entries=[
                    *(entry(one, "DEBIT", amount) for one, amount in debited if one is not None),
                    entry(to_account_id or NOBODY, "CREDIT", total),
                ],
                expires_at=draft.expires_at,
                on_shortfall=draft.on_shortfall,
                rate=draft.rate,
            )
        )

    def _repeated(self, repeat: Repeat) -> Operation:
        if not self.requests:
            return self._drafted(Draft("TOP_UP", 0, 0, 0, 1))
        # Counted from the end: the latest are the likeliest.
        request = self.requests[-1 - repeat.which % len(self.requests)]
        if repeat.change is None:
            return request
        name, value = repeat.change
        if name in ("account", "to_account"):
            name, value = f"{name}_id", self._account_id(value)
        if name == "related":
            name, value = "related_id", self._related_id(request.type, value)
        return _only_what_counts(replace(request, **{name: value}))

    def _post_batch(self, way: int, drawn: Sequence[Draft | Repeat]) -> None:
        caller, requests = self._way(way), self._requests(drawn)
        outcomes = [self.model.post(request, over_http=caller.over_http) for request in requests]
        self._agree_all(caller, outcomes, caller.post_batch(requests))

    def _create_account(self, caller: Caller, request: AccountRequest) -> None:
        outcome = self.model.create_account(request, over_http=caller.over_http)
        answer = caller.create_account(request)
        if isinstance(outcome, Done) and not outcome.replayed:
            assert isinstance(answer, Made), (outcome, answer)
            assert isinstance(outcome.made, AccountMade)
            assert answer.answer["id"] not in map(str, self.model.accounts)
            outcome.made.answer = answer.answer
            account = self.model.account_made(outcome.made, self.books.stripe_hash(UUID(answer.answer["id"])))
            assert known_part(answer.answer, account.json()) == account.json()
            self.wallets.append(account.id)
        self._agree(caller, outcome, answer)

    def _change_account(self, way: int, account: int, values: dict[str, Any]) -> None:
        caller, account_id = self._way(way), self._account_id(account) or NOBODY
        before = self.model.accounts[account_id].json() if account_id in self.model.accounts else None
        changed = self.model.change_account(account_id, values)
        answer = caller.change_account(account_id, values)
        if isinstance(changed, Refused) or isinstance(answer, Refusal):
            self._same(caller, changed, answer)
            return
        if changed.json() != before:
            assert answer["updatedAt"] >= changed.updated_at()
            changed.changed_at = answer["updatedAt"]
        self._same(caller, changed.json(), answer)

    def _set_stripes(self, symbol: str, count: int) -> None:
        expected = self.model.set_stripes(symbol, count)
        found = self.books.sql.set_stripes(symbol, count)
        assert (found is None) == (expected is None), found
        if expected is not None and found is not None:
            self._agree(self.books.sql, expected, found)

    def _agree_all(self, caller: Caller, outcomes: Sequence[Outcome], answers: Sequence[Answer]) -> None:
        assert len(answers) == len(outcomes)
        newest = max((one.id for one in self._made()), default="")
        for outcome, answer in zip(outcomes, answers, strict=True):
            if isinstance(outcome, Done) and not isinstance(outcome.made, AccountMade) and not outcome.replayed:
                assert isinstance(answer, Made), (outcome, answer)
                outcome.made.learn(answer.answer)
                assert outcome.made.id > newest or outcome.made.request.type == "VOID"
            self._agree(caller, outcome, answer)

    def _agree(self, caller: Caller, outcome: Outcome, answer: Answer) -> None:
        if isinstance(outcome, Refused):
            assert isinstance(answer, Refusal), (outcome, answer)
            self._same(caller, outcome, answer)
            return
        assert isinstance(answer, Made), (outcome, answer)
        assert answer.replayed == outcome.replayed
        assert answer.answer == outcome.made.json()

    def _same(self, caller: Caller, expected: object, found: object) -> None:
        if not isinstance(expected, Refused):
            assert known_part(found, expected) == expected
            return
        assert isinstance(found, Refusal), (expected, found)
        blamed = expected.fields
        # The database blames the amount when it is no other field; the service names all.
        if not caller.over_http and len(blamed) > 1 and expected.code == "validation_failed":
            blamed -= {"amount"}
        assert (found.code, found.fields) == (expected.code, blamed)
        if expected.sentence is not None:
            assert found.error == expected.sentence


def _only_what_counts(request: Operation) -> Operation:
    """Drop the fields that mean nothing for the type: not every way has a place for them."""
    if request.type not in TYPES:
        return replace(request, **dict.fromkeys(_NAMES - {*fields_of("SPEND")}))
    return replace(request, **dict.fromkeys(_NAMES - {*fields_of(request.type)}))


def machine_on(books: Books) -> type[LedgerMachine]:
    """Make the machine that runs on these books."""
    return type("LedgerMachineOnBooks", (LedgerMachine,), {"books": books})
