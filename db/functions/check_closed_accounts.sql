-- A closed account takes part in nothing any more.
CREATE OR REPLACE FUNCTION wallet.check_closed_accounts()
RETURNS TABLE (account_id uuid, balance numeric, account_type text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.balance, a.account_type::text
    FROM wallet.accounts AS a
    WHERE a.status = 'CLOSED' AND (a.balance <> 0 OR a.account_type <> 'USER')
$$;

COMMENT ON FUNCTION wallet.check_closed_accounts() IS
'Closed accounts that are not empty, and system accounts that are closed.';

GRANT EXECUTE ON FUNCTION wallet.check_closed_accounts() TO wallet_service, wallet_auditor;
