-- The triggers that keep the ledger append-only can be dropped, disabled or hollowed out by their owner. The hash is that of the body of
-- wallet.refuse_change.
CREATE OR REPLACE FUNCTION wallet.check_guards()
RETURNS TABLE (object text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('wallet.%I', w.table_name), format('trigger %s is missing, switched off or not as it was made', w.trigger_name)
    FROM (
        VALUES
        -- Bits of pg_trigger.tgtype: 2 before the statement, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
        ('transactions', 'append_only', 58), ('ledger_entries', 'append_only', 58), ('seals', 'append_only', 58),
        ('seal_blocks', 'append_only', 58), ('changes', 'append_only', 58), ('accounts', 'keep_rows', 42), ('asset_types', 'keep_rows', 42),
        ('idempotency_keys', 'keep_rows', 50), ('api_keys', 'keep_rows', 42), ('holds', 'keep_rows', 42),
        ('refund_totals', 'keep_rows', 42), ('budgets', 'keep_rows', 42), ('spending_limits', 'keep_rows', 42)
    ) AS w (table_name, trigger_name, events)
    WHERE NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_trigger AS g
        WHERE
            g.tgrelid = to_regclass(format('wallet.%I', w.table_name)) AND g.tgname = w.trigger_name AND g.tgenabled IN ('O', 'A')
            AND g.tgtype = w.events AND g.tgqual IS NULL AND g.tgfoid = to_regproc('wallet.refuse_change')
    )
    UNION ALL
    SELECT 'wallet.refuse_change()', 'the body is not as it was made'
    WHERE NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_proc AS p
        WHERE
            p.oid = to_regproc('wallet.refuse_change')
            AND encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex')
            = '42e704adbd73ba1db5c678de018199c619f50414d26ff5c289e29602e0485185'
    )
$$;

COMMENT ON FUNCTION wallet.check_guards() IS
'Guard triggers that are missing, disabled or changed, and a changed body of the function they call.';

GRANT EXECUTE ON FUNCTION wallet.check_guards() TO wallet_service, wallet_auditor;
