"""The four tables of the older service, read in one snapshot."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, get_args
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row, scalar_row

from service.cli.failure import Failure

T = TypeVar("T")

#: What counts as an account's balance: the column, or the sum of its entries.
Basis = Literal["cached", "entries"]
BASES: Final[tuple[str, ...]] = get_args(Basis)

#: Rows that travel together.
CHUNK_ROWS: Final = 500

#: The column `role` says what an account becomes: USER, TREASURY, REVENUE, or OTHER, which the wallet has no place for;
#: `balance` is the one that counts of `cached` and `entries`.
_ACCOUNT: Final = """
    WITH entry_sum AS (
        SELECT e.account_id, sum(CASE e.entry_type::text WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS balance
        FROM ledger_entries AS e
        GROUP BY e.account_id
    ), account AS (
        SELECT
            a.id, a.asset_type_id, t.symbol, a.external_id, a.name, a.email, a.account_type::text,
            to_char(a.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
            CASE
                WHEN a.account_type::text = 'USER' THEN 'USER'
                WHEN a.external_id = 'SYSTEM_TREASURY_' || t.symbol THEN 'TREASURY'
                WHEN a.external_id = 'SYSTEM_REVENUE_' || t.symbol THEN 'REVENUE'
                ELSE 'OTHER'
            END AS role,
            b.*
        FROM accounts AS a
        LEFT JOIN asset_types AS t ON a.asset_type_id = t.id
        LEFT JOIN entry_sum AS s ON a.id = s.account_id
        CROSS JOIN LATERAL (
            SELECT b.cached, b.entries, b.{basis} AS balance
            FROM (SELECT a.balance AS cached, coalesce(s.balance, 0.0000) AS entries) AS b
        ) AS b
    )
"""

_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "asset_types": frozenset({"id", "name", "symbol", "description", "is_active"}),
    "accounts": frozenset(
        {"id", "external_id", "account_type", "name", "email", "asset_type_id", "balance", "created_at"}
    ),
    "transactions": frozenset(
        {"id", "idempotency_key", "type", "status", "source_account_id", "dest_account_id", "asset_type_id", "amount"}
        | {"description", "reference_id", "metadata", "created_at", "updated_at"}
    ),
    "ledger_entries": frozenset({"transaction_id", "account_id", "entry_type", "amount"}),
}

#: What a request can carry. A key that none can carry need not be kept.
SENDABLE: Final = "t.idempotency_key ~ '^[!-~]{1,255}$'"


@dataclass(frozen=True)
class AssetType:
    """An asset type of the older service."""

    id: UUID
    symbol: str
    name: str
    description: str | None
    is_active: bool


@dataclass(frozen=True)
class Account:
    """A wallet of the older service, or its revenue account."""

    id: UUID
    asset_type_id: UUID
    external_id: str | None
    name: str
    email: str | None
    created_at: str
    """RFC 3339; the columns of the older service have no time zone and are taken as UTC."""
    balance: Decimal

    def fields(self) -> dict[str, str | None]:
        """Give what can be sent as JSON: all but the balance, which is posted."""
        return {
            "id": str(self.id),
            "asset_type_id": str(self.asset_type_id),
            "external_id": self.external_id,
            "name": self.name,
            "email": self.email,
            "created_at": self.created_at,
        }


@dataclass(frozen=True)
class Totals:
    """What an asset type amounts to."""

    asset_type_id: UUID
    wallet_count: int
    wallet_balance: Decimal
    revenue_balance: Decimal

    @property
    def issued(self) -> Decimal:
        """What the treasury must have issued for the other balances to be there."""
        return self.wallet_balance + self.revenue_balance


class Source:
    """The older service's tables, as they were at one moment."""

    def __init__(self, connection: psycopg.Connection[Any], label: str, basis: Basis) -> None:
        self._connection = connection
        self._account = _ACCOUNT.replace("{basis}", basis)
        self.label = label
        """Names the source in what is imported: its database and schema."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Run a query on the tables; `account` has the accounts, with `role`, `cached`, `entries` and `balance`."""
        with _as_source():
            return self._connection.cursor(row_factory=dict_row).execute((self._account + query).encode()).fetchall()

    def asset_types(self) -> list[AssetType]:
        """Give the asset types, by symbol."""
        with _as_source():
            return (
                self._connection.cursor(row_factory=class_row(AssetType))
                .execute(
                    "SELECT t.id, t.symbol, t.name, t.description, t.is_active IS NOT FALSE AS is_active"
                    " FROM asset_types AS t ORDER BY t.symbol"
                )
                .fetchall()
            )

    def totals(self) -> dict[UUID, Totals]:
        """Give what each asset type amounts to, by its id."""
        query = """
            SELECT
                t.id AS asset_type_id,
                count(*) FILTER (WHERE a.role = 'USER') AS wallet_count,
                coalesce(sum(a.balance) FILTER (WHERE a.role = 'USER'), 0) AS wallet_balance,
                coalesce(sum(a.balance) FILTER (WHERE a.role = 'REVENUE'), 0) AS revenue_balance
            FROM asset_types AS t
            LEFT JOIN account AS a ON t.id = a.asset_type_id
            GROUP BY t.id
        """
        return {row["asset_type_id"]: Totals(**row) for row in self.rows(query)}

    def wallets(self) -> Iterator[list[Account]]:
        """Give the users' accounts by ascending id, in chunks."""
        return self._accounts("USER")

    def revenues(self) -> Iterator[list[Account]]:
        """Give the revenue accounts, in chunks."""
        return self._accounts("REVENUE")

    def key_rows(self) -> Iterator[list[str]]:
        """Give the idempotency keys in chunks, each as the JSON text that `wallet.import_keys` wants."""
        query = f"""
            SELECT json_build_object(
                'key', t.idempotency_key, 'asset_type_id', t.asset_type_id,
                'answer', json_build_object(
                    'id', t.id, 'idempotencyKey', t.idempotency_key, 'type', t.type, 'status', t.status,
                    'sourceAccountId', t.source_account_id, 'destAccountId', t.dest_account_id,
                    'assetTypeId', t.asset_type_id, 'amount', t.amount, 'description', t.description,
                    'referenceId', t.reference_id, 'metadata', t.metadata,
                    'createdAt', to_char(t.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    'updatedAt', to_char(t.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                )
            )::text
            FROM transactions AS t
            WHERE {SENDABLE}
        """
        yield from _chunks(self._connection.cursor("keys", row_factory=scalar_row), query)

    def key_count(self) -> int:
        """Count what `key_rows` gives."""
        return int(self.rows(f"SELECT count(*) AS found FROM transactions AS t WHERE {SENDABLE}")[0]["found"])

    def _accounts(self, role: str) -> Iterator[list[Account]]:
        query = f"""{self._account}
            SELECT a.id, a.asset_type_id, a.external_id, a.name, a.email, a.created_at, a.balance
            FROM account AS a
            WHERE a.role = '{role}'
            ORDER BY a.id
        """
        yield from _chunks(self._connection.cursor(f"accounts_{role}", row_factory=class_row(Account)), query)


def _chunks(cursor: psycopg.ServerCursor[T], query: str) -> Iterator[list[T]]:
    with cursor:
        with _as_source():
            cursor.execute(query.encode())
        while True:
            with _as_source():
                rows = cursor.fetchmany(CHUNK_ROWS)
            if not rows:
                return
            yield rows


@contextlib.contextmanager
def _as_source() -> Iterator[None]:
    """Say of an error that it came from here: two databases are in use."""
    try:
        yield
    except psycopg.Error as error:
        error.add_note("(the source's)")
        raise


@contextlib.contextmanager
def open_source(url: str, schema: str, basis: Basis) -> Iterator[Source]:
    """Open the older service's database: read only, and everything from one snapshot.

    Args:
        url: its URL or connection string.
        schema: where the four tables are.
        basis: which balances count.

    Raises:
        Failure: a table or a column is not there.
        psycopg.Error: the database is away or refuses; a note says which one.
    """
    with _as_source():
        connection = psycopg.connect(url, client_encoding="UTF8")
    with contextlib.closing(connection):
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with _as_source():
            connection.execute(
                "SELECT set_config('timezone', 'UTC', TRUE), set_config('search_path', quote_ident(%s), TRUE)", [schema]
            )
            _refuse_other_tables(connection, schema)
        yield Source(connection, f"{connection.info.dbname}.{schema}", basis)


def _refuse_other_tables(connection: psycopg.Connection[Any], schema: str) -> None:
    rows = connection.execute(
        "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns AS c WHERE c.table_schema = %s",
        [schema],
    ).fetchall()
    for table, columns in _COLUMNS.items():
        missing = columns - {column for name, column in rows if name == table}
        if missing:
            raise Failure(
                f"The source has no table {table} with {', '.join(sorted(missing))} in the schema {schema},"
                " or this login may not read it: is it the database of the older service?"
            )
