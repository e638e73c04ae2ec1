"""What breaks each invariant of the doctor, past the guards."""

Corruption = tuple[str, set[str]]
"""Statements, and the other checks that cannot but fire with the one they are for."""

_RENAMED = """
        WITH t AS (
            UPDATE wallet.transactions SET id = NEW WHERE id = {second}
        ), k AS (
            UPDATE wallet.idempotency_keys SET transaction_id = NEW WHERE transaction_id = {second}
        )
        UPDATE wallet.ledger_entries SET transaction_id = NEW WHERE transaction_id = {second}
        """


def _with_id(transaction_id: str) -> str:
    """Give the second transaction another id, everywhere."""
    return _RENAMED.replace("NEW", f"'{transaction_id}'")


CORRUPTIONS: dict[str, list[Corruption]] = {
    "check_trial_balance": [
        (
            "UPDATE wallet.ledger_entries SET amount = amount + 1 WHERE entry_type = 'DEBIT' AND version = 1",
            {"check_balances", "check_entry_chains", "check_transactions"},
        ),
        ("UPDATE wallet.accounts SET balance = balance + 1 WHERE external_id = 'USER_BOB_GC'", {"check_balances"}),
    ],
    "check_balances": [
        ("UPDATE wallet.accounts SET balance = balance + 1 WHERE external_id = 'USER_BOB_GC'", {"check_trial_balance"}),
        (
            "UPDATE wallet.ledger_entries SET balance_after = balance_after + 1 WHERE account_id = {bob}",
            {"check_entry_chains"},
        ),
        (
            "UPDATE wallet.ledger_entries SET amount = amount + 1 WHERE account_id = {bob}",
            {"check_trial_balance", "check_entry_chains", "check_transactions"},
        ),
        ("UPDATE wallet.accounts SET balance = 1 WHERE external_id = 'SYSTEM_REVENUE_LP'", {"check_trial_balance"}),
    ],
    "check_entry_chains": [
        (
            "UPDATE wallet.ledger_entries SET balance_after = balance_after + 1 WHERE account_id = {bob}",
            {"check_balances"},
        ),
        ("UPDATE wallet.ledger_entries SET balance_after = 0 WHERE account_id = {treasury} AND version = 1", set()),
        (
            "UPDATE wallet.ledger_entries SET entry_type = 'DEBIT' WHERE account_id = {bob}",
            {"check_trial_balance", "check_balances", "check_transactions"},
        ),
    ],
    "check_versions": [
        ("UPDATE wallet.accounts SET version = version + 1 WHERE external_id = 'USER_BOB_GC'", {"check_balances"}),
        (
            "DELETE FROM wallet.ledger_entries WHERE account_id = {treasury} AND version = 1",
            {"check_trial_balance", "check_balances", "check_entry_chains", "check_transactions"},
        ),
        (
            "DELETE FROM wallet.ledger_entries WHERE account_id = {bob}",
            {"check_trial_balance", "check_balances", "check_transactions"},
        ),
        (
            "UPDATE wallet.ledger_entries SET version = version + 1 WHERE account_id = {bob}",
            {"check_balances", "check_transactions"},
        ),
    ],
    "check_transactions": [
        (
            "DELETE FROM wallet.ledger_entries WHERE account_id = {bob}",
            {"check_trial_balance", "check_balances", "check_versions"},
        ),
        ("UPDATE wallet.transactions SET amount = amount + 1 WHERE dest_account_id = {bob}", set()),
        (
            "UPDATE wallet.ledger_entries SET entry_type = 'CREDIT' WHERE account_id = {treasury} AND version = 1",
            {"check_trial_balance", "check_balances", "check_entry_chains"},
        ),
        ("UPDATE wallet.transactions SET dest_account_id = {alice} WHERE dest_account_id = {bob}", set()),
        ("UPDATE wallet.transactions SET source_version = 7 WHERE dest_account_id = {bob}", set()),
        (
            """
        WITH legs AS (
            INSERT INTO wallet.ledger_entries (
                account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
            )
            SELECT
                a.id, t.id, a.version + 1, a.updated_at, s.entry_type::wallet.entry_type, s.leg, 1, a.balance + s.sign
            FROM (
                VALUES ({treasury}::uuid, 'DEBIT', 3, -1), ({bob}::uuid, 'CREDIT', 4, 1)
            ) AS s (account_id, entry_type, leg, sign)
            JOIN wallet.accounts AS a ON a.id = s.account_id
            JOIN wallet.transactions AS t ON t.dest_account_id = {bob}
            RETURNING account_id, balance_after, version
        )
        UPDATE wallet.accounts AS a SET balance = l.balance_after, version = l.version
        FROM legs AS l WHERE a.id = l.account_id
        """,
            set(),
        ),
    ],
    "check_orphans": [
        ("DELETE FROM wallet.transactions WHERE dest_account_id = {bob}", {"check_idempotency_keys", "check_counts"}),
        ("DELETE FROM wallet.accounts WHERE id = {bob}", {"check_trial_balance", "check_idempotency_keys"}),
        (
            "UPDATE wallet.transactions SET asset_type_id = gen_random_uuid() WHERE dest_account_id = {bob}",
            {"check_assets", "check_counts"},
        ),
        (
            "UPDATE wallet.transactions SET source_account_id = gen_random_uuid() WHERE dest_account_id = {bob}",
            {"check_transactions"},
        ),
        (
            "UPDATE wallet.transactions SET dest_account_id = gen_random_uuid() WHERE dest_account_id = {bob}",
            {"check_transactions"},
        ),
    ],
    "check_assets": [
        (
            "UPDATE wallet.transactions SET asset_type_id = {diamonds} WHERE dest_account_id = {bob}",
            {"check_counts", "check_ranges"},
        ),
        (
            "UPDATE wallet.accounts SET asset_type_id = {diamonds} WHERE id = {bob}",
            {"check_trial_balance", "check_idempotency_keys"},
        ),
    ],
    "check_directions": [
        ("UPDATE wallet.transactions SET type = 'SPEND' WHERE dest_account_id = {bob}", {"check_counts"}),
        (
            "UPDATE wallet.transactions SET source_account_id = {alice} WHERE dest_account_id = {bob}",
            {"check_transactions"},
        ),
        (
            "UPDATE wallet.transactions SET dest_account_id = {revenue} WHERE dest_account_id = {bob}",
            {"check_transactions"},
        ),
    ],
    "check_floors": [
        (
            "UPDATE wallet.ledger_entries SET balance_after = -0.0001 WHERE account_id = {bob}",
            {"check_balances", "check_entry_chains"},
        ),
        (
            (
                "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_balance_min_check; UPDATE wallet.accounts "
                "SET balance_min = 501 WHERE id = {bob}"
            ),
            {"check_account_floors", "check_schema"},
        ),
    ],
    "check_idempotency_keys": [
        ("DELETE FROM wallet.idempotency_keys WHERE key = 'seed:opening:USER_BOB_GC'", set()),
        ("DELETE FROM wallet.transactions WHERE dest_account_id = {bob}", {"check_orphans", "check_counts"}),
        ("UPDATE wallet.transactions SET idempotency_key = 'other' WHERE dest_account_id = {bob}", set()),
        ("UPDATE wallet.idempotency_keys SET key = 'other' WHERE key = 'seed:opening:USER_BOB_GC'", set()),
        (
            "UPDATE wallet.idempotency_keys SET account_id = {alice} WHERE account_id = {bob}",
            set(),
        ),
        (
            "UPDATE wallet.idempotency_keys"
            " SET answer = jsonb_set(answer::jsonb, '{{id}}', to_jsonb({alice}::text))::json WHERE account_id = {bob}",
            set(),
        ),
        (
            "UPDATE wallet.idempotency_keys SET"
            " request = request || jsonb_build_object('assetTypeId', {diamonds}::text) WHERE account_id = {bob}",
            set(),
        ),
        ("UPDATE wallet.accounts SET created_at = created_at - interval '1 day' WHERE id = {bob}", set()),
        ("UPDATE wallet.accounts SET external_id = 'mine' WHERE id = {bob}", set()),
        ("DELETE FROM wallet.accounts WHERE id = {bob}", {"check_trial_balance", "check_orphans"}),
    ],
    "check_counts": [
        ("UPDATE wallet.transaction_blocks SET transaction_count = transaction_count + 1 WHERE level = 0", set()),
        ("UPDATE wallet.transaction_blocks SET transaction_count = transaction_count + 1 WHERE level = 1", set()),
        ("DELETE FROM wallet.transaction_blocks WHERE level = 1", set()),
        ("UPDATE wallet.transactions SET type = 'BONUS' WHERE dest_account_id = {bob}", set()),
        ("DELETE FROM wallet.transactions", {"check_orphans", "check_idempotency_keys"}),
    ],
    "check_system_accounts": [
        (
            "DELETE FROM wallet.accounts WHERE external_id = 'SYSTEM_TREASURY_LP'",
            {"check_trial_balance", "check_orphans"},
        ),
        ("DELETE FROM wallet.accounts WHERE external_id = 'SYSTEM_REVENUE_LP'", set()),
    ],
    "check_entry_order": [
        (
            (
                "UPDATE wallet.ledger_entries SET created_at = created_at + interval '1 hour' WHERE account_id = "
                "{treasury} AND version = 1"
            ),
            {"check_instants"},
        ),
    ],
    "check_guards": [
        ("DROP TRIGGER append_only ON wallet.transactions", {"check_schema"}),
        ("ALTER TABLE wallet.ledger_entries DISABLE TRIGGER append_only", {"check_schema"}),
        ("ALTER TABLE wallet.accounts DISABLE TRIGGER ALL", {"check_schema"}),
        ("ALTER TABLE wallet.asset_types ENABLE REPLICA TRIGGER keep_rows", {"check_schema"}),
        ("ALTER TABLE wallet.idempotency_keys DISABLE TRIGGER USER", {"check_schema"}),
        (
            (
                "CREATE OR REPLACE FUNCTION wallet.refuse_change() RETURNS trigger LANGUAGE plpgsql SET "
                "search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'"
            ),
            {"check_schema"},
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "
                "wallet.transactions FOR EACH STATEMENT WHEN (FALSE) EXECUTE FUNCTION wallet.refuse_change()"
            ),
            {"check_schema"},
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON wallet.transactions FOR EACH STATEMENT "
                "EXECUTE FUNCTION wallet.refuse_change()"
            ),
            {"check_schema"},
        ),
        ("DROP TRIGGER append_only ON wallet.seals", {"check_schema"}),
        ("DROP TRIGGER append_only ON wallet.seal_blocks", {"check_schema"}),
        ("DROP TRIGGER keep_rows ON wallet.api_keys", {"check_schema"}),
        ("ALTER TABLE wallet.api_keys ENABLE TRIGGER keep_grant", {"check_schema"}),
        (
            (
                "CREATE OR REPLACE FUNCTION wallet.keep_api_key() RETURNS trigger LANGUAGE plpgsql SET "
                "search_path = pg_catalog, pg_temp AS 'BEGIN RETURN new; END'"
            ),
            {"check_schema"},
        ),
        ("ALTER TABLE wallet.holds ENABLE TRIGGER keep_rows", {"check_schema"}),
        ("SET LOCAL session_replication_role = replica", set()),
        (
            "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',"
            " current_database()); END$$",
            set(),
        ),
        ("ALTER ROLE ALL SET session_replication_role = local", set()),
        ("ALTER ROLE wallet_jobs SET session_replication_role = replica", set()),
        ("GRANT SET ON PARAMETER session_replication_role TO wallet_jobs", set()),
        ("GRANT SET ON PARAMETER session_replication_role TO PUBLIC", set()),
    ],
    "check_amounts": [
        (
            (
                "ALTER TABLE wallet.transactions DROP CONSTRAINT transactions_amount_check; UPDATE "
                "wallet.transactions SET amount = 0 WHERE dest_account_id = {bob}"
            ),
            {"check_transactions", "check_schema", "check_ranges"},
        ),
        (
            (
                "ALTER TABLE wallet.transactions DROP CONSTRAINT transactions_amount_check; UPDATE "
                "wallet.transactions SET amount = 'NaN' WHERE dest_account_id = {bob}"
            ),
            {"check_transactions", "check_schema", "check_ranges"},
        ),
        (
            (
                "ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_amount_check; UPDATE "
                "wallet.ledger_entries SET amount = -amount WHERE account_id = {bob}"
            ),
            {"check_trial_balance", "check_balances", "check_entry_chains", "check_transactions", "check_schema"},
        ),
        (
            (
                "ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_balance_after_check; UPDATE "
                "wallet.ledger_entries SET balance_after = 'NaN' WHERE account_id = {bob}"
            ),
            {"check_balances", "check_entry_chains", "check_schema"},
        ),
        (
            (
                "UPDATE wallet.asset_types SET decimals = 0 WHERE symbol = 'GC'; UPDATE wallet.accounts SET "
                "asset_decimals = 0 WHERE id = {bob}; UPDATE wallet.transactions SET amount = 500.5 WHERE "
                "dest_account_id = {bob}"
            ),
            {"check_transactions", "check_account_assets", "check_changes"},
        ),
        (
            (
                "UPDATE wallet.accounts SET asset_decimals = 0 WHERE id = {bob}; UPDATE wallet.ledger_entries "
                "SET amount = 500.5 WHERE account_id = {bob}"
            ),
            {
                "check_trial_balance",
                "check_balances",
                "check_entry_chains",
                "check_transactions",
                "check_account_assets",
            },
        ),
        (
            (
                "UPDATE wallet.accounts SET asset_decimals = 0 WHERE id = {bob}; UPDATE wallet.ledger_entries "
                "SET balance_after = 500.5 WHERE account_id = {bob}"
            ),
            {"check_balances", "check_entry_chains", "check_account_assets"},
        ),
    ],
    "check_transaction_ids": [
        (_with_id("00000000-0000-700b-8000-000000000000"), set()),
        (_with_id("00000000-0000-800b-1000-000000000000"), set()),
        (_with_id("00000000-0000-800b-8000-000000000001"), set()),
        (_with_id("00000000-0000-8000-8000-000000000000"), set()),
        (_with_id("00000000-0000-8044-8000-000000000000"), set()),
    ],
    "check_number_order": [
        (_with_id("00000000-0000-800a-8000-000000000000"), set()),
    ],
    "check_instants": [
        (
            ("UPDATE wallet.transactions SET created_at = created_at - interval '1 microsecond' WHERE id = {second}"),
            {"check_ranges"},
        ),
        (
            (
                "UPDATE wallet.ledger_entries SET created_at = created_at - interval '1 microsecond' WHERE "
                "account_id = {bob}"
            ),
            set(),
        ),
    ],
    "check_clock": [
        (
            """
        WITH t AS (UPDATE wallet.transactions SET created_at = created_at + interval '1 hour'),
        a AS (UPDATE wallet.accounts SET updated_at = updated_at + interval '1 hour')
        UPDATE wallet.ledger_entries SET created_at = created_at + interval '1 hour'
        """,
            {"check_ranges"},
        ),
    ],
    "check_posters": [
        ("UPDATE wallet.transactions SET posted_by = 'key:000000000000' WHERE id = {second}", set()),
        ("UPDATE wallet.transactions SET posted_by = 'somebody' WHERE id = {second}", set()),
        ("UPDATE wallet.transactions SET posted_by = 'role:' WHERE id = {second}", set()),
    ],
    "check_account_clocks": [
        ("UPDATE wallet.accounts SET updated_at = '2020-01-01' WHERE id = {bob}", set()),
    ],
    "check_account_floors": [
        ("UPDATE wallet.accounts SET balance_min = NULL WHERE id = {bob}", set()),
        (
            (
                "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_balance_min_check; UPDATE wallet.accounts "
                "SET balance = -1 WHERE id = {bob}"
            ),
            {"check_trial_balance", "check_balances", "check_schema"},
        ),
        (
            (
                "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_balance_min_check; UPDATE wallet.accounts "
                "SET balance = 'NaN' WHERE id = {bob}"
            ),
            {"check_trial_balance", "check_balances", "check_schema"},
        ),
    ],
    "check_account_assets": [
        ("UPDATE wallet.asset_types SET decimals = 3 WHERE symbol = 'GC'", {"check_changes"}),
        ("UPDATE wallet.accounts SET asset_decimals = 3 WHERE id = {bob}", set()),
        (
            "UPDATE wallet.accounts SET asset_type_id = gen_random_uuid() WHERE id = {bob}",
            {"check_trial_balance", "check_assets", "check_idempotency_keys"},
        ),
        (
            (
                "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_balance_decimals_check; UPDATE "
                "wallet.accounts SET asset_decimals = 0, balance = 500.5 WHERE id = {bob}; UPDATE "
                "wallet.asset_types SET decimals = 0 WHERE symbol = 'GC'"
            ),
            {"check_trial_balance", "check_balances", "check_schema", "check_changes"},
        ),
        (
            (
                "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_stripe_check; UPDATE wallet.accounts SET "
                "stripe = 1 WHERE id = {bob}"
            ),
            {"check_schema"},
        ),
        ("UPDATE wallet.accounts SET stripe = 1 WHERE external_id = 'SYSTEM_REVENUE_LP'", {"check_system_accounts"}),
    ],
    "check_treasuries": [
        ("UPDATE wallet.accounts SET balance = 1 WHERE id = {treasury}", {"check_trial_balance", "check_balances"}),
    ],
    "check_seals": [
        ("UPDATE wallet.seals SET sha256 = sha256('') WHERE seal = 2", set()),
        ("UPDATE wallet.seals SET sha256 = sha256('') WHERE seal = 1", set()),
        ("UPDATE wallet.seals SET day = day - 1 WHERE seal = 1", set()),
        ("UPDATE wallet.seals SET row_count = 0 WHERE seal = 1", set()),
        ("UPDATE wallet.seal_blocks SET sha256 = sha256('') WHERE seal = 1", set()),
        ("DELETE FROM wallet.seal_blocks WHERE seal = 2", set()),
        ("DELETE FROM wallet.seals WHERE seal = 1; DELETE FROM wallet.seal_blocks WHERE seal = 1", set()),
        ("DELETE FROM wallet.seals WHERE seal = 2", set()),
    ],
    "check_releases": [
        ("DELETE FROM wallet.releases", {"check_schema"}),
        ("UPDATE wallet.releases SET objects = NULL", {"check_schema"}),
        ("UPDATE wallet.releases SET functions_sha256 = ''", set()),
        ("UPDATE wallet.releases SET migrations = ARRAY[]::text[]", set()),
    ],
    "check_rights": [
        ("GRANT INSERT ON wallet.transactions TO wallet_jobs", {"check_schema"}),
        ("GRANT UPDATE (balance) ON wallet.accounts TO wallet_service", {"check_schema"}),
        ("GRANT TRIGGER ON wallet.ledger_entries TO PUBLIC", {"check_schema"}),
        ("GRANT USAGE ON SEQUENCE wallet.transaction_numbers TO wallet_jobs", {"check_schema"}),
        ("GRANT CREATE ON SCHEMA wallet TO wallet_auditor", set()),
        ("GRANT EXECUTE ON FUNCTION wallet.refusals() TO PUBLIC", {"check_schema"}),
        ("ALTER ROLE wallet_owner LOGIN", set()),
        ("GRANT wallet_owner TO wallet_jobs", set()),
        ("CREATE ROLE stranger LOGIN IN ROLE wallet_owner", set()),
        ("CREATE ROLE strangers IN ROLE wallet_owner; CREATE ROLE stranger LOGIN IN ROLE strangers", set()),
        ("CREATE ROLE mover LOGIN CREATEROLE IN ROLE wallet_owner; CREATE ROLE stranger LOGIN IN ROLE mover", set()),
        ("GRANT pg_write_all_data TO wallet_service", set()),
        ("CREATE ROLE stranger LOGIN IN ROLE pg_write_all_data", set()),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner IN SCHEMA wallet GRANT INSERT ON TABLES TO PUBLIC", set()),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner GRANT EXECUTE ON FUNCTIONS TO wallet_jobs", set()),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA wallet GRANT SELECT ON TABLES TO wallet_jobs", set()),
    ],
    "check_routines": [
        ("ALTER FUNCTION wallet.refusals() OWNER TO postgres", {"check_schema"}),
        ("ALTER FUNCTION wallet.doctor() RESET search_path", {"check_schema"}),
        ("ALTER FUNCTION wallet.doctor() SET search_path = public", {"check_schema"}),
        ("ALTER TABLE wallet.posting_gate OWNER TO postgres", {"check_schema"}),
    ],
    "check_indexes": [
        ("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'wallet.accounts_system_key'::regclass", set()),
    ],
    "check_schema": [
        ("ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_leg_check", set()),
        (
            (
                "ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_leg_check; ALTER TABLE "
                "wallet.ledger_entries ADD CONSTRAINT ledger_entries_leg_check CHECK (leg <> 9)"
            ),
            set(),
        ),
        (
            "ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_leg_check; ALTER TABLE"
            " wallet.ledger_entries ADD CONSTRAINT ledger_entries_leg_check CHECK (leg BETWEEN 1 AND 255) NOT VALID",
            set(),
        ),
        ("ALTER TABLE wallet.transactions DROP CONSTRAINT transactions_pkey", set()),
        ("ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_asset_type_fkey", set()),
        ("DROP INDEX wallet.accounts_system_key", set()),
        ("ALTER TABLE wallet.transactions ALTER COLUMN amount DROP NOT NULL", set()),
        ("ALTER TABLE wallet.transactions ALTER COLUMN status SET DEFAULT 'FAILED'", set()),
        ("ALTER TABLE wallet.transactions ADD COLUMN extra text", set()),
        ("CREATE TABLE wallet.extra ()", {"check_routines"}),
        (
            (
                "CREATE FUNCTION wallet.refusals(integer) RETURNS integer SET search_path = pg_catalog, pg_temp "
                "LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION wallet.refusals(integer) FROM PUBLIC; "
                "ALTER FUNCTION wallet.refusals(integer) OWNER TO wallet_owner"
            ),
            set(),
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION wallet.seal_hint(p_sha256 bytea) RETURNS bigint LANGUAGE sql "
                "IMMUTABLE PARALLEL SAFE RETURN 1"
            ),
            set(),
        ),
        (
            (
                "CREATE TRIGGER extra BEFORE INSERT ON wallet.transactions FOR EACH STATEMENT EXECUTE FUNCTION "
                "wallet.refuse_change()"
            ),
            set(),
        ),
        ("CREATE RULE extra AS ON DELETE TO wallet.accounts DO INSTEAD NOTHING", set()),
        ("REVOKE EXECUTE ON FUNCTION wallet.refusals() FROM wallet_jobs", set()),
        ("GRANT SELECT ON wallet.transactions TO wallet_jobs", set()),
        (
            "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_stripe_check; ALTER TABLE wallet.accounts"
            " ADD CONSTRAINT accounts_stripe_check"
            " CHECK ((stripe BETWEEN 0 AND 255 AND stripe = 0) OR account_type <> 'USER'::wallet.account_type)",
            set(),
        ),
        ("CREATE TABLE child () INHERITS (wallet.ledger_entries)", set()),
        (
            "ALTER TABLE wallet.accounts DISABLE TRIGGER ALL;"
            " ALTER TABLE wallet.accounts ENABLE ALWAYS TRIGGER keep_rows",
            set(),
        ),
        ("ALTER TYPE wallet.account_type ADD VALUE 'MINT'", set()),
        ("ALTER TYPE wallet.keyed_answer ADD ATTRIBUTE extra text", set()),
    ],
}
"""By check: each breaks what it looks at, in the demo data with postings 1 to 3 in seal 1 and the rest in seal 2."""
