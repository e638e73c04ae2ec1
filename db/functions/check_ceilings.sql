-- No history shows an account above the maximum balance it had then.
CREATE OR REPLACE FUNCTION wallet.check_ceilings(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, balance_after numeric, balance_max numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    v_changed CONSTANT uuid[] := ARRAY(SELECT DISTINCT c.object_id FROM wallet.changes AS c WHERE c.old_values ? 'balanceMax');
BEGIN
    RETURN QUERY
    SELECT e.account_id, e.version, e.balance_after, b.ceiling
    FROM wallet.ledger_entries AS e
    JOIN wallet.accounts AS a ON e.account_id = a.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN a.id = ANY(v_changed) THEN wallet.setting_at(a.id, 'balanceMax', e.created_at, a.balance_max)
            ELSE a.balance_max END AS ceiling
    ) AS b
    WHERE
        e.transaction_id >= p_since_id AND e.balance_after > b.ceiling
        -- Each is asked of few entries; the first tells them apart at once.
        AND (a.balance_max IS NOT NULL OR a.id = ANY(v_changed));
END;
$$;

COMMENT ON FUNCTION wallet.check_ceilings(uuid) IS
'Entries that left their account above the maximum balance that it had then. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_ceilings(uuid) TO wallet_service, wallet_auditor;
