-- Versions number an account's entries 1, 2, 3, … without a gap.
CREATE OR REPLACE FUNCTION wallet.check_versions(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, entry_count bigint, version_min bigint, version_max bigint)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.id, a.version, coalesce(e.entry_count, 0), e.version_min, e.version_max
    FROM wallet.accounts AS a
    LEFT JOIN (
        SELECT l.account_id, count(*) AS entry_count, min(l.version) AS version_min, max(l.version) AS version_max
        FROM wallet.ledger_entries AS l
        WHERE l.transaction_id >= p_since_id
        GROUP BY l.account_id
    ) AS e ON a.id = e.account_id
    -- The entry that a quick run goes on from; a full one begins at version 1 and finds none.
    LEFT JOIN wallet.ledger_entries AS b ON e.account_id = b.account_id AND e.version_min - 1 = b.version
    WHERE
        (e.account_id IS NOT NULL OR p_since_id = '00000000-0000-0000-0000-000000000000')
        AND (
            a.version <> coalesce(b.version, 0) + coalesce(e.entry_count, 0)
            OR a.version <> coalesce(e.version_max, 0)
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_versions(uuid) IS
'Accounts whose version is not the count of their entries, or whose entries have a gap. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_versions(uuid) TO wallet_service, wallet_auditor;
