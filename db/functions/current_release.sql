-- What the database was last migrated to; the service compares it with what it was built for.
CREATE OR REPLACE FUNCTION wallet.current_release(OUT migrations text[], OUT functions_sha256 text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.migrations, r.functions_sha256 FROM wallet.releases AS r ORDER BY r.release DESC LIMIT 1
$$;

COMMENT ON FUNCTION wallet.current_release() IS 'Names of the migrations applied and the fingerprint of the routines, from the last wallet migrate.';

GRANT EXECUTE ON FUNCTION wallet.current_release() TO wallet_service, wallet_jobs, wallet_auditor;
