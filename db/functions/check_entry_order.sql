-- wallet.balance_at halves the versions by their instants, so these must not step back.
CREATE OR REPLACE FUNCTION wallet.check_entry_order()
RETURNS TABLE (account_id uuid, version bigint, created_at timestamptz, previous_created_at timestamptz)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.account_id, c.version, c.created_at, c.previous_created_at
    FROM (
        SELECT
            l.account_id,
            l.version,
            l.created_at,
            lag(l.created_at) OVER (PARTITION BY l.account_id ORDER BY l.version) AS previous_created_at
        FROM wallet.ledger_entries AS l
    ) AS c
    WHERE c.created_at < c.previous_created_at
$$;

COMMENT ON FUNCTION wallet.check_entry_order() IS
'Entries made, by their instant, before the entry of the version below them.';

GRANT EXECUTE ON FUNCTION wallet.check_entry_order() TO wallet_service, wallet_auditor;
