-- No history shows a wallet below its floor, not even for a moment.
CREATE OR REPLACE FUNCTION wallet.check_floors(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, balance_after numeric, balance_min numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.account_id, e.version, e.balance_after, a.balance_min
    FROM wallet.ledger_entries AS e
    JOIN wallet.accounts AS a ON e.account_id = a.id
    WHERE e.transaction_id >= p_since_id AND e.balance_after < a.balance_min;
END;
$$;

COMMENT ON FUNCTION wallet.check_floors(uuid) IS
'Entries that left their account below its floor. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_floors(uuid) TO wallet_service, wallet_auditor;
