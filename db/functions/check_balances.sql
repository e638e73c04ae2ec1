-- The balance kept on an account is a cache of its entries; here they are added up again, onto what the entry before left.
CREATE OR REPLACE FUNCTION wallet.check_balances(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, balance numeric, entry_sum numeric, newest_balance_after numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.id, a.balance, coalesce(b.balance_after, 0) + coalesce(e.entry_sum, 0), coalesce(n.balance_after, 0)
    FROM wallet.accounts AS a
    LEFT JOIN (
        SELECT
            l.account_id, min(l.version) AS version_min,
            sum(CASE l.entry_type WHEN 'CREDIT' THEN l.amount ELSE -l.amount END) AS entry_sum
        FROM wallet.ledger_entries AS l
        WHERE l.transaction_id >= p_since_id
        GROUP BY l.account_id
    ) AS e ON a.id = e.account_id
    LEFT JOIN wallet.ledger_entries AS b ON e.account_id = b.account_id AND e.version_min - 1 = b.version
    LEFT JOIN wallet.ledger_entries AS n ON a.id = n.account_id AND a.version = n.version
    WHERE
        (e.account_id IS NOT NULL OR p_since_id = '00000000-0000-0000-0000-000000000000')
        AND (
            a.balance <> coalesce(b.balance_after, 0) + coalesce(e.entry_sum, 0)
            OR a.balance <> coalesce(n.balance_after, 0)
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_balances(uuid) IS
'Accounts whose kept balance differs from the sum of their entries, or from the balance after the newest one. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_balances(uuid) TO wallet_service, wallet_auditor;
