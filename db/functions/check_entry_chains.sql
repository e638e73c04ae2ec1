-- Each entry starts from the balance the one before it left.
CREATE OR REPLACE FUNCTION wallet.check_entry_chains()
RETURNS TABLE (account_id uuid, version bigint, expected numeric, balance_after numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.account_id, c.version, c.expected, c.balance_after
    FROM (
        SELECT
            l.account_id,
            l.version,
            l.balance_after,
            lag(l.balance_after, 1, 0.0) OVER (PARTITION BY l.account_id ORDER BY l.version)
            + CASE l.entry_type WHEN 'CREDIT' THEN l.amount ELSE -l.amount END AS expected
        FROM wallet.ledger_entries AS l
    ) AS c
    WHERE c.balance_after <> c.expected
$$;

COMMENT ON FUNCTION wallet.check_entry_chains() IS
'Entries whose balance_after does not follow from the entry before.';

GRANT EXECUTE ON FUNCTION wallet.check_entry_chains() TO wallet_service, wallet_auditor;
