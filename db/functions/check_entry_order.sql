-- wallet.balance_at halves the versions by their instants, so these must not step back.
CREATE OR REPLACE FUNCTION wallet.check_entry_order(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, created_at timestamptz, previous_created_at timestamptz)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.account_id, e.version, e.created_at, p.created_at
    FROM wallet.ledger_entries AS e
    JOIN wallet.ledger_entries AS p ON e.account_id = p.account_id AND e.version - 1 = p.version
    WHERE e.transaction_id >= p_since_id AND e.created_at < p.created_at;
END;
$$;

COMMENT ON FUNCTION wallet.check_entry_order(uuid) IS
'Entries made, by their instant, before the entry of the version below them. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_entry_order(uuid) TO wallet_service, wallet_auditor;
