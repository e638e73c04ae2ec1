"""The tables under a model: emptied for each history, and compared with the model row by row."""

from collections.abc import Callable, Sequence
from uuid import UUID

from psycopg import sql

from tests.model.callers import Caller, SqlCaller
from tests.support.database import Connection
from tests.support.guards import unguarded
from tests.support.ledger import Ledger
from tests.support.model import Account, Asset, Model
from tests.support.operations import POSTING_TYPES

Row = tuple[object, ...]

_INSTANT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

_NOT_ALWAYS = ("refundedAmount",)
"""Fields that are not always there: where the model says nothing of them they must not be."""


class Books:
    """A database for one history after the other, and the ways to it.

    Args:
        connection: the owner's, in autocommit.
        callers: the ways to the wallet that a history goes, at random.
        unasked_checks: checks of the doctor that do not count.
    """

    def __init__(
        self, connection: Connection, callers: Sequence[Caller], unasked_checks: frozenset[str] = frozenset()
    ) -> None:
        self.connection = connection
        self._unasked_checks = unasked_checks
        self.callers = callers
        self.sql = SqlCaller(connection)
        self.ledger = Ledger(connection)
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'wallet' AND tablename <> 'releases'"
        ).fetchall()
        self._tables = sql.SQL(", ").join(sql.Identifier("wallet", name) for (name,) in rows)

    def empty(self, first_number: int) -> None:
        """Forget everything; number the postings from here."""
        with unguarded(self.connection):
            self.connection.execute(sql.SQL("TRUNCATE {}").format(self._tables))
        self.connection.execute("SELECT setval('wallet.transaction_numbers', %s, FALSE)", [first_number])

    def create_asset_type(self, model: Model, symbol: str, decimals: int) -> Asset:
        """Make an asset, also in the model."""
        asset = Asset(self.ledger.create_asset_type(symbol, decimals), symbol, decimals)
        kinds = ("TREASURY", "REVENUE", "CONVERSION")
        model.create_asset_type(asset, [self._system_account(asset, account_type) for account_type in kinds])
        return asset

    def stripe_hash(self, wallet_id: UUID) -> int:
        """What decides which stripe is used for an account."""
        row = self.connection.execute("SELECT uuid_hash(%s) & 2147483647", [wallet_id]).fetchone()
        assert row is not None
        return int(row[0])

    def check(self, model: Model) -> None:
        """Hold the rows of accounts, entries and keys to the model."""
        self._check_rows(
            "SELECT id, stripe, version, balance, balance_min, held, status::text, credits_allowed, balance_max,"
            " debt_max FROM wallet.accounts",
            _account_rows(model),
        )
        self._check_rows(
            "SELECT account_id, version, transaction_id::text, entry_type::text, leg, amount, balance_after,"
            f" {_INSTANT.format('created_at')} FROM wallet.ledger_entries",
            _entry_rows(model),
        )
        self._check_rows(
            # Under the key of a void is an id of its own.
            "SELECT key, coalesce(h.id, k.transaction_id, k.account_id)::text FROM wallet.idempotency_keys AS k"
            " LEFT JOIN wallet.holds AS h ON h.void_id = k.transaction_id",
            {(key, made.id) for key, made in model.keys.items()},
        )
        self._check_rows(
            "SELECT id::text, state::text, captured, capture_id::text FROM wallet.holds",
            {(one.id, one.state, one.captured, None if one.capture is None else one.capture.id) for one in model.holds},
        )
        self._check_rows(
            "SELECT transaction_id::text, refunded FROM wallet.refund_totals",
            {(one.id, one.refunded) for one in model.transactions if one.refunded},
        )
        for account in model.accounts.values():
            for stripe in range(account.asset.stripe_count):
                instants = [one.transaction.created_at for one in account.entries if one.stripe == stripe]
                assert instants == sorted(instants)

    def check_at_end(self, model: Model, page_size: int) -> None:
        """Hold every page of every list, the doctor and the trial balance to the model."""
        for account in model.accounts.values():
            assert self.sql.balance(account.id) == model.balance(account.id)
            _all_pages(
                lambda page, account=account: (  # type: ignore[misc]
                    self.sql.ledger_page(account.id, page, page_size),
                    model.ledger_page(account.id, page, page_size),
                )
            )
        for account_id in (None, *model.accounts):
            for type_ in (None, "SPEND", "HOLD") if account_id else (None, *POSTING_TYPES, "HOLD"):
                _all_pages(
                    lambda page, account_id=account_id, type_=type_: (  # type: ignore[misc]
                        self.sql.list_transactions(account_id, type_, None, page, page_size),
                        model.list_transactions(account_id, type_, None, page, page_size),
                    )
                )
        assert self.ledger.problems().keys() <= self._unasked_checks, self.ledger.problems()
        rows = self.connection.execute(
            "SELECT symbol, treasury_balance, revenue_balance, wallet_balance, conversion_balance, balance_sum"
            " FROM wallet.trial_balance()"
        ).fetchall()
        assert sorted(rows) == sorted(_trial_balance(model, asset) for asset in model.assets.values())

    def _check_rows(self, query: str, expected: set[Row]) -> None:
        rows = self.connection.execute(query.encode()).fetchall()
        found = set(rows)
        assert found == expected, {"only in the database": found - expected, "only in the model": expected - found}
        assert len(found) == len(rows)

    def _system_account(self, asset: Asset, account_type: str) -> Account:
        row = self.connection.execute(
            f"SELECT id, name, balance_min, external_id, {_INSTANT.format('created_at')} FROM wallet.accounts"
            " WHERE asset_type_id = %s AND account_type = %s::wallet.account_type AND stripe = 0".encode(),
            [asset.id, account_type],
        ).fetchone()
        assert row is not None
        id_, name, floor, external_id, created_at = row
        assert external_id == f"SYSTEM_{account_type}_{asset.symbol}"
        assert floor == (0 if account_type == "REVENUE" else None)
        return Account(
            id_,
            account_type,
            asset,
            name,
            floor,
            external_id,
            created_at=created_at,
            stripe_hash=self.stripe_hash(id_),
        )


def known_part(found: object, expected: object) -> object:
    """What was found, without the fields of an object, or of the rows of a page, that the model says nothing of."""
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return found
    known = {name: value for name, value in found.items() if name in expected or name in _NOT_ALWAYS}
    rows = known.get("data")
    if isinstance(rows, list) and len(rows) == len(expected["data"]):
        known["data"] = [known_part(*pair) for pair in zip(rows, expected["data"], strict=True)]
    return known


def _row_id(account: Account, stripe: int) -> UUID:
    return account.id if account.type == "USER" else UUID(f"{str(account.id)[:34]}{stripe:02x}")


def _account_rows(model: Model) -> set[Row]:
    return {
        (
            _row_id(account, stripe),
            stripe,
            *account.stripe(stripe),
            account.floor,
            account.held,
            account.status,
            account.credits_allowed,
            account.balance_max,
            account.debt_max,
        )
        for account in model.accounts.values()
        for stripe in range(1 if account.type == "USER" else account.asset.stripe_count)
    }


def _entry_rows(model: Model) -> set[Row]:
    return {
        (
            _row_id(account, one.stripe),
            one.version,
            one.transaction.id,
            one.entry_type,
            one.leg,
            abs(one.amount),
            one.balance_after,
            one.transaction.created_at,
        )
        for account in model.accounts.values()
        for one in account.entries
    }


def _trial_balance(model: Model, asset: Asset) -> Row:
    sums = [
        sum(one.balance() for one in model.accounts.values() if one.asset is asset and one.type == account_type)
        for account_type in ("TREASURY", "REVENUE", "USER", "CONVERSION")
    ]
    assert sum(sums) == 0
    return (asset.symbol, *sums, 0)


def _all_pages(pages: Callable[[int], tuple[object, object]]) -> None:
    """Compare all pages, and the one after the last."""
    page = 1
    while True:
        found, expected = pages(page)
        assert isinstance(expected, dict)
        assert known_part(found, expected) == expected
        if not expected["data"]:
            return
        page += 1
