"""The ledger's functions, called from SQL."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.database import Connection

TABLES = (
    "accounts",
    "asset_types",
    "budgets",
    "changes",
    "debit_totals",
    "holds",
    "idempotency_keys",
    "ledger_entries",
    "refund_totals",
    "spending_limits",
    "transaction_blocks",
    "transactions",
)
"""The tables that an operation, an account, an asset type, a limit or a change of one of them writes to."""

Amount = Decimal | int | str


@dataclass(frozen=True)
class Posted:
    """What a keyed function gave."""

    replayed: bool
    answer: dict[str, Any]
    """The JSON object; its numbers are Decimals."""

    @property
    def id(self) -> UUID:
        """The id of what was made."""
        return UUID(self.answer["id"])


@dataclass(frozen=True, kw_only=True)
class Request:
    """A `wallet.posting_request`."""

    type: str | None = "TOP_UP"
    key: str | None
    account_id: UUID | None
    asset_type_id: UUID | None
    amount: Amount | None
    reference_id: str | None = None
    description: str | None = None
    metadata: Mapping[str, object] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Answer:
    """A `wallet.posting_answer`."""

    ordinal: int
    outcome: str
    transaction_id: UUID | None
    code: str | None
    error: str | None
    details: dict[str, Any] | None


def decoded(text: str) -> Any:
    """Decode JSON with every number as a Decimal."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


class Ledger:
    """The schema `wallet` over one connection."""

    _numbers = itertools.count(1)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def create_asset_type(self, symbol: str = "GC", decimals: int = 4) -> UUID:
        """Make an asset type with its system accounts; give its id."""
        return self._id("SELECT wallet.create_asset_type(%s, %s, NULL, %s)", symbol, f"Asset {symbol}", decimals)

    def create_wallet(self, asset_type_id: UUID, name: str = "Somebody") -> UUID:
        """Make a wallet without a key; give its id."""
        return self.create_account(name, asset_type_id).id

    def create_account(
        self,
        name: str | None,
        asset_type_id: UUID | None,
        external_id: str | None = None,
        email: str | None = None,
        *,
        key: str | None = None,
    ) -> Posted:
        """Call `wallet.create_account`."""
        return self._keyed("create_account", name, asset_type_id, external_id, email, key)

    def top_up(self, account_id: UUID, amount: Amount, key: str | None = None) -> Posted:
        """Call `wallet.top_up` in the account's asset, under a key of its own unless one is given."""
        return self._simple("TOP_UP", account_id, amount, key)

    def bonus(self, account_id: UUID, amount: Amount, key: str | None = None) -> Posted:
        """Call `wallet.bonus` in the account's asset, under a key of its own unless one is given."""
        return self._simple("BONUS", account_id, amount, key)

    def spend(self, account_id: UUID, amount: Amount, key: str | None = None) -> Posted:
        """Call `wallet.spend` in the account's asset, under a key of its own unless one is given."""
        return self._simple("SPEND", account_id, amount, key)

    def call(self, request: Request) -> Posted:
        """Call `wallet.top_up`, `wallet.bonus` or `wallet.spend` with exactly these fields."""
        assert request.type is not None
        return self._keyed(
            request.type.lower(),
            request.account_id,
            request.asset_type_id,
            request.amount,
            request.key,
            request.reference_id,
            request.description,
            None if request.metadata is None else Jsonb(request.metadata),
        )

    def post(self, requests: Sequence[Request]) -> list[Answer]:
        """Call `wallet.post` with a batch; give the answers as they come."""
        rows = self.connection.execute(
            "SELECT a.* FROM wallet.post(ARRAY("
            " SELECT r FROM jsonb_populate_recordset(NULL::wallet.posting_request, %s) AS r)) AS a",
            [
                Jsonb(
                    [
                        {
                            "type": one.type,
                            "idempotency_key": one.key,
                            "account_id": _text(one.account_id),
                            "asset_type_id": _text(one.asset_type_id),
                            "amount": _text(one.amount),
                            "reference_id": one.reference_id,
                            "description": one.description,
                            # A key that is left out is NULL; null would be the JSON value.
                            **({} if one.metadata is None else {"metadata": one.metadata}),
                        }
                        for one in requests
                    ]
                )
            ],
        ).fetchall()
        return [Answer(*row) for row in rows]

    def balance(self, account_id: UUID) -> Decimal:
        """Give the balance kept on the account."""
        return Decimal(self._value("SELECT wallet.get_balance(%s)", account_id))

    def balances(self) -> dict[str, Decimal]:
        """Give every account's balance, by external id or else by name."""
        rows = self.connection.execute("SELECT coalesce(external_id, name), balance FROM wallet.accounts")
        return dict(rows.fetchall())

    def treasury(self, asset_type_id: UUID) -> UUID:
        """Give the id of the asset's treasury."""
        return self._system_account(asset_type_id, "TREASURY")

    def revenue(self, asset_type_id: UUID) -> UUID:
        """Give the id of the asset's revenue account."""
        return self._system_account(asset_type_id, "REVENUE")

    def asset_of(self, account_id: UUID) -> UUID:
        """Give the id of the account's asset type."""
        return self._id("SELECT asset_type_id FROM wallet.accounts WHERE id = %s", account_id)

    def counts(self) -> dict[str, int]:
        """Give the number of rows of each of `TABLES`."""
        return {table: self._count(table) for table in TABLES}

    def state(self) -> dict[str, str]:
        """Give a fingerprint of all rows of each of `TABLES`: equal before and after, nothing was written."""
        return {
            table: self._value(
                sql.SQL("SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} AS t")
                .format(sql.Identifier("wallet", table))
                .as_string()
            )
            for table in TABLES
        }

    def problems(self) -> dict[str, int]:
        """Run `wallet.doctor()`; give the checks that found something."""
        rows = self.connection.execute("SELECT check_name, problems FROM wallet.doctor() WHERE problems > 0").fetchall()
        return dict(rows)

    def new_key(self) -> str:
        """Give an idempotency key that was not used before."""
        return f"key-{next(self._numbers)}"

    def _simple(self, kind: str, account_id: UUID, amount: Amount, key: str | None) -> Posted:
        return self.call(
            Request(
                type=kind,
                key=key or self.new_key(),
                account_id=account_id,
                asset_type_id=self.asset_of(account_id),
                amount=amount,
            )
        )

    def _keyed(self, function: str, *arguments: object) -> Posted:
        row = self.connection.execute(
            sql.SQL("SELECT r.replayed, r.answer::text FROM wallet.{}({}) AS r").format(
                sql.Identifier(function), sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
            ),
            arguments,
        ).fetchone()
        assert row is not None
        return Posted(row[0], decoded(row[1]))

    def _count(self, table: str) -> int:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("wallet", table))
        return int(self._value(query.as_string()))

    def _system_account(self, asset_type_id: UUID, account_type: str) -> UUID:
        return self._id(
            "SELECT id FROM wallet.accounts WHERE asset_type_id = %s AND account_type = %s::wallet.account_type",
            asset_type_id,
            account_type,
        )

    def _id(self, query: str, *arguments: object) -> UUID:
        found: UUID = self._value(query, *arguments)
        return found

    def _value(self, query: str, *arguments: object) -> Any:
        row = self.connection.execute(query.encode(), arguments).fetchone()
        assert row is not None
        return row[0]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
