-- All rows of a posting have one instant.
CREATE OR REPLACE FUNCTION wallet.check_instants(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, account_id uuid, created_at timestamptz, entry_created_at timestamptz)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, e.account_id, t.created_at, e.created_at
    FROM wallet.transactions AS t
    JOIN wallet.ledger_entries AS e ON t.id = e.transaction_id
    WHERE t.id >= p_since_id AND e.transaction_id >= p_since_id AND t.created_at <> e.created_at;
END;
$$;

COMMENT ON FUNCTION wallet.check_instants(uuid) IS
'Entries with another instant than their transaction. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_instants(uuid) TO wallet_service, wallet_auditor;
