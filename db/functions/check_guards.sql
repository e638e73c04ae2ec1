-- The triggers that keep the ledger append-only can be dropped or disabled by their owner.
CREATE OR REPLACE FUNCTION wallet.check_guards()
RETURNS TABLE (object text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('wallet.%I', w.table_name), format('trigger %s is missing or switched off', w.trigger_name)
    FROM (
        VALUES
        ('transactions', 'append_only'), ('ledger_entries', 'append_only'), ('accounts', 'keep_rows'),
        ('asset_types', 'keep_rows'), ('idempotency_keys', 'keep_rows'), ('api_keys', 'keep_rows')
    ) AS w (table_name, trigger_name)
    WHERE NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_trigger AS g
        WHERE g.tgrelid = format('wallet.%I', w.table_name)::regclass AND g.tgname = w.trigger_name AND g.tgenabled IN ('O', 'A')
    )
$$;

COMMENT ON FUNCTION wallet.check_guards() IS
'Guard triggers that are missing or disabled.';

GRANT EXECUTE ON FUNCTION wallet.check_guards() TO wallet_service, wallet_auditor;
