-- No history shows an account below the floor it had then, not even for a moment. Only a refund that may leave a debt goes below, and
-- what is credited before the debt is paid.
CREATE OR REPLACE FUNCTION wallet.check_floors(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, balance_after numeric, balance_min numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    v_changed CONSTANT uuid[] := ARRAY(
        SELECT DISTINCT c.object_id FROM wallet.changes AS c WHERE c.old_values ?| ARRAY['creditLimit', 'debtMax']
    );
BEGIN
    RETURN QUERY
    SELECT e.account_id, e.version, e.balance_after, b.floor
    FROM wallet.ledger_entries AS e
    JOIN wallet.accounts AS a ON e.account_id = a.id
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN a.id = ANY(v_changed) THEN -wallet.setting_at(a.id, 'creditLimit', e.created_at, -a.balance_min)
                ELSE a.balance_min END AS floor,
            CASE WHEN a.id = ANY(v_changed) THEN wallet.setting_at(a.id, 'debtMax', e.created_at, a.debt_max)
                ELSE a.debt_max END AS debt_max
    ) AS b
    WHERE
        e.transaction_id >= p_since_id AND e.balance_after < b.floor
        AND (
            e.balance_after < b.floor - b.debt_max
            OR e.entry_type = 'DEBIT' AND NOT EXISTS (
                SELECT FROM wallet.transactions AS t
                WHERE t.id = e.transaction_id AND t.type = 'REFUND' AND t.request ->> 'onShortfall' = 'debt'
            )
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_floors(uuid) IS
'Entries that left their account below the floor that it had then, and are not of a refund that may leave a debt, or further below than its debt limit. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_floors(uuid) TO wallet_service, wallet_auditor;
