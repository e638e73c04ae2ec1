-- Keeps the ledger append-only for everyone whose rights would allow more, the owner included.
CREATE OR REPLACE FUNCTION wallet.refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of wallet.% is not allowed', tg_op, tg_table_name
    USING ERRCODE = 'WL012', HINT = 'Correct a posting with another posting.';
END;
$$;

COMMENT ON FUNCTION wallet.refuse_change() IS
'Trigger: refuses UPDATE, DELETE and TRUNCATE of the ledger, its seals and the history of changes, and DELETE and TRUNCATE of accounts, asset types, API keys, holds, refund totals, budgets and spending limits. Raises WL012.';

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.transactions
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.accounts
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.asset_types
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE UPDATE OR TRUNCATE ON wallet.idempotency_keys
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.api_keys
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.seals
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.seal_blocks
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.changes
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.holds
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.refund_totals
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.budgets
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

CREATE OR REPLACE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON wallet.spending_limits
FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();

-- ALWAYS: whoever may set session_replication_role to replica, for a session or for the database, switches the others off with it.
ALTER TABLE wallet.transactions ENABLE ALWAYS TRIGGER append_only;

ALTER TABLE wallet.ledger_entries ENABLE ALWAYS TRIGGER append_only;

ALTER TABLE wallet.accounts ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.asset_types ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.idempotency_keys ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.api_keys ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.seals ENABLE ALWAYS TRIGGER append_only;

ALTER TABLE wallet.seal_blocks ENABLE ALWAYS TRIGGER append_only;

ALTER TABLE wallet.changes ENABLE ALWAYS TRIGGER append_only;

ALTER TABLE wallet.holds ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.refund_totals ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.budgets ENABLE ALWAYS TRIGGER keep_rows;

ALTER TABLE wallet.spending_limits ENABLE ALWAYS TRIGGER keep_rows;

COMMENT ON TRIGGER append_only ON wallet.transactions IS 'Transactions are never changed or removed.';

COMMENT ON TRIGGER append_only ON wallet.ledger_entries IS 'Entries are never changed or removed.';

COMMENT ON TRIGGER keep_rows ON wallet.accounts IS 'Accounts are never removed.';

COMMENT ON TRIGGER keep_rows ON wallet.asset_types IS 'Asset types are never removed.';

COMMENT ON TRIGGER keep_rows ON wallet.idempotency_keys IS 'Keys are never changed.';

COMMENT ON TRIGGER keep_rows ON wallet.api_keys IS 'API keys are revoked, never removed: transactions name them.';

COMMENT ON TRIGGER append_only ON wallet.seals IS 'Seals are never changed or removed.';

COMMENT ON TRIGGER append_only ON wallet.seal_blocks IS 'The parts of seals are never changed or removed.';

COMMENT ON TRIGGER append_only ON wallet.changes IS 'The history of accounts and asset types is never changed or removed.';

COMMENT ON TRIGGER keep_rows ON wallet.holds IS 'Holds end, and are never removed.';

COMMENT ON TRIGGER keep_rows ON wallet.refund_totals IS 'What was refunded is never forgotten.';

COMMENT ON TRIGGER keep_rows ON wallet.budgets IS 'Budgets are changed, never removed: they count what was issued.';

COMMENT ON TRIGGER keep_rows ON wallet.spending_limits IS 'Spending limits are lifted, never removed: their history names them.';
