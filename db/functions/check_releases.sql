-- The record of what was applied, which other checks and wallet serve rest on.
CREATE OR REPLACE FUNCTION wallet.check_releases()
RETURNS TABLE (release bigint, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NULL::bigint, 'no release is recorded'
    WHERE NOT EXISTS (SELECT FROM wallet.releases AS r)
    UNION ALL
    SELECT r.release, 'the record is not whole'
    FROM wallet.releases AS r
    WHERE r.release = (SELECT max(n.release) FROM wallet.releases AS n)
        AND (cardinality(r.migrations) = 0 OR r.functions_sha256 !~ '^[0-9a-f]{64}$' OR r.objects IS NULL)
$$;

COMMENT ON FUNCTION wallet.check_releases() IS
'No release is recorded, or the newest record is not whole.';

GRANT EXECUTE ON FUNCTION wallet.check_releases() TO wallet_service, wallet_auditor;
