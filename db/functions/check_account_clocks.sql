-- updated_at is what keeps the next entry from an earlier instant than the newest.
CREATE OR REPLACE FUNCTION wallet.check_account_clocks()
RETURNS TABLE (account_id uuid, updated_at timestamptz, newest_created_at timestamptz)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.updated_at, e.created_at
    FROM wallet.accounts AS a
    JOIN wallet.ledger_entries AS e ON a.id = e.account_id AND a.version = e.version
    WHERE a.updated_at < e.created_at
$$;

COMMENT ON FUNCTION wallet.check_account_clocks() IS
'Accounts last changed, by their row, before their newest entry.';

GRANT EXECUTE ON FUNCTION wallet.check_account_clocks() TO wallet_service, wallet_auditor;
