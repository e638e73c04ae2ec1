-- What an account holds back is a sum that is kept as it changes.
CREATE OR REPLACE FUNCTION wallet.check_held()
RETURNS TABLE (account_id uuid, account_type text, held numeric, hold_sum numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.account_type::text, a.held, coalesce(o.hold_sum, 0)
    FROM wallet.accounts AS a
    LEFT JOIN (
        SELECT h.account_id, sum(h.amount) AS hold_sum FROM wallet.holds AS h WHERE h.closed_at IS NULL GROUP BY h.account_id
    ) AS o ON a.id = o.account_id
    WHERE
        a.held <> coalesce(o.hold_sum, 0)
        OR (a.held <> 0 AND (a.account_type <> 'USER' OR a.status = 'CLOSED'))
$$;

COMMENT ON FUNCTION wallet.check_held() IS
'Accounts whose held amount is not the sum of their open holds, and system and closed accounts that hold any.';

GRANT EXECUTE ON FUNCTION wallet.check_held() TO wallet_service, wallet_auditor;
