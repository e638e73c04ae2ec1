-- Versions number an account's entries 1, 2, 3, … without a gap.
CREATE OR REPLACE FUNCTION wallet.check_versions()
RETURNS TABLE (account_id uuid, version bigint, entry_count bigint, version_min bigint, version_max bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.version, coalesce(e.entry_count, 0), e.version_min, e.version_max
    FROM wallet.accounts AS a
    LEFT JOIN (
        SELECT l.account_id, count(*) AS entry_count, min(l.version) AS version_min, max(l.version) AS version_max
        FROM wallet.ledger_entries AS l
        GROUP BY l.account_id
    ) AS e ON a.id = e.account_id
    WHERE
        a.version <> coalesce(e.entry_count, 0)
        OR a.version <> coalesce(e.version_max, 0)
        OR coalesce(e.version_min, 1) <> 1
$$;

COMMENT ON FUNCTION wallet.check_versions() IS
'Accounts whose version is not the count of their entries, or whose entries have a gap.';

GRANT EXECUTE ON FUNCTION wallet.check_versions() TO wallet_service, wallet_auditor;
