"""The database of the older service, to move over from: its four tables, and rows as it wrote them."""

from decimal import Decimal
from uuid import UUID, uuid4

from tests.support.database import Connection

SCHEMA = """
    CREATE TYPE account_type AS ENUM ('USER', 'SYSTEM');
    CREATE TYPE entry_type AS ENUM ('DEBIT', 'CREDIT');
    CREATE TYPE transaction_status AS ENUM ('PENDING', 'COMPLETED', 'FAILED');
    CREATE TYPE transaction_type AS ENUM ('TOP_UP', 'BONUS', 'SPEND');
    CREATE TABLE asset_types (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name varchar(100) NOT NULL UNIQUE,
        symbol varchar(10) NOT NULL UNIQUE,
        description text,
        is_active boolean DEFAULT TRUE,
        created_at timestamp NOT NULL DEFAULT now(),
        updated_at timestamp NOT NULL DEFAULT now()
    );
    CREATE TABLE accounts (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        external_id varchar(255) UNIQUE,
        account_type account_type NOT NULL,
        name varchar(255) NOT NULL,
        email varchar(255),
        asset_type_id uuid NOT NULL REFERENCES asset_types,
        balance numeric(18, 4) NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 0,
        created_at timestamp NOT NULL DEFAULT '2025-03-04 05:06:07.000008',
        updated_at timestamp NOT NULL DEFAULT now()
    );
    CREATE TABLE transactions (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        idempotency_key varchar(255) NOT NULL UNIQUE,
        type transaction_type NOT NULL,
        status transaction_status NOT NULL DEFAULT 'PENDING',
        source_account_id uuid NOT NULL REFERENCES accounts,
        dest_account_id uuid NOT NULL REFERENCES accounts,
        asset_type_id uuid NOT NULL REFERENCES asset_types,
        amount numeric(18, 4) NOT NULL CHECK (amount > 0),
        description text,
        reference_id varchar(255),
        metadata jsonb,
        created_at timestamp NOT NULL DEFAULT now(),
        updated_at timestamp NOT NULL DEFAULT now()
    );
    CREATE TABLE ledger_entries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        transaction_id uuid NOT NULL REFERENCES transactions,
        account_id uuid NOT NULL REFERENCES accounts,
        entry_type entry_type NOT NULL,
        amount numeric(18, 4) NOT NULL CHECK (amount > 0),
        balance_after numeric(18, 4) NOT NULL,
        created_at timestamp NOT NULL DEFAULT now()
    );
"""


class OlderService:
    """Its tables over one autocommit connection."""

    def __init__(self, connection: Connection, schema: str = "public") -> None:
        self.connection = connection
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"; SET search_path = "{schema}"'.encode())
        connection.execute(SCHEMA.encode())

    def create_asset_type(self, symbol: str, *, is_active: bool | None = True) -> UUID:
        """Make an asset type with its treasury and revenue accounts."""
        asset_type_id = uuid4()
        self.run(
            "INSERT INTO asset_types (id, name, symbol, is_active) VALUES (%s, %s, %s, %s)",
            asset_type_id,
            f"Asset {symbol}",
            symbol,
            is_active,
        )
        for kind in ("TREASURY", "REVENUE"):
            self.create_account(asset_type_id, f"SYSTEM_{kind}_{symbol}", account_type="SYSTEM")
        return asset_type_id

    def create_account(
        self, asset_type_id: UUID, external_id: str | None, balance: Decimal | int | str = 0, account_type: str = "USER"
    ) -> UUID:
        """Make an account; a balance is written without entries, as the older service's demo data was."""
        account_id = uuid4()
        self.run(
            "INSERT INTO accounts (id, external_id, account_type, name, email, asset_type_id, balance)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            account_id,
            external_id,
            account_type,
            f"Account {external_id}",
            "somebody@example.com" if account_type == "USER" else None,
            asset_type_id,
            balance,
        )
        return account_id

    def post(self, kind: str, account_id: UUID, amount: Decimal | int | str, key: str) -> UUID:
        """Write a completed transaction, its two entries and the two balances."""
        other = "REVENUE" if kind == "SPEND" else "TREASURY"
        (row,) = self.run(
            "SELECT a.asset_type_id, s.id FROM accounts AS a JOIN asset_types AS t ON t.id = a.asset_type_id"
            " JOIN accounts AS s ON s.external_id = concat('SYSTEM_', %s::text, '_', t.symbol) WHERE a.id = %s",
            other,
            account_id,
        )
        asset_type_id, system_id = row
        source_id, dest_id = (account_id, system_id) if kind == "SPEND" else (system_id, account_id)
        transaction_id = uuid4()
        self.run(
            "INSERT INTO transactions (id, idempotency_key, type, status, source_account_id, dest_account_id,"
            " asset_type_id, amount, metadata) VALUES (%s, %s, %s, 'COMPLETED', %s, %s, %s, %s, '{\"shop\": 7}')",
            *(transaction_id, key, kind, source_id, dest_id, asset_type_id, amount),
        )
        for entry_type, id_, sign in (("DEBIT", source_id, "-"), ("CREDIT", dest_id, "+")):
            self.run(
                f"WITH a AS (UPDATE accounts SET balance = balance {sign} %s, version = version + 1 WHERE id = %s"
                " RETURNING balance) INSERT INTO ledger_entries (transaction_id, account_id, entry_type, amount,"
                " balance_after) SELECT %s, %s, %s, %s, a.balance FROM a",
                *(amount, id_, transaction_id, id_, entry_type, amount),
            )
        return transaction_id

    def run(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """Run a statement; give its rows."""
        cursor = self.connection.execute(statement.encode(), arguments or None)
        return cursor.fetchall() if cursor.description else []
