-- The balance kept on an account is a cache of its entries; here they are added up again.
CREATE OR REPLACE FUNCTION wallet.check_balances()
RETURNS TABLE (account_id uuid, balance numeric, entry_sum numeric, newest_balance_after numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.balance, coalesce(e.entry_sum, 0), coalesce(n.balance_after, 0)
    FROM wallet.accounts AS a
    LEFT JOIN (
        SELECT l.account_id, sum(CASE l.entry_type WHEN 'CREDIT' THEN l.amount ELSE -l.amount END) AS entry_sum
        FROM wallet.ledger_entries AS l
        GROUP BY l.account_id
    ) AS e ON a.id = e.account_id
    LEFT JOIN wallet.ledger_entries AS n ON a.id = n.account_id AND a.version = n.version
    WHERE a.balance <> coalesce(e.entry_sum, 0) OR a.balance <> coalesce(n.balance_after, 0)
$$;

COMMENT ON FUNCTION wallet.check_balances() IS
'Accounts whose kept balance differs from the sum of their entries, or from the balance after the newest one.';

GRANT EXECUTE ON FUNCTION wallet.check_balances() TO wallet_service, wallet_auditor;
