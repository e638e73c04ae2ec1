-- A routine runs as the owner: from a caller's search_path it would take the caller's own objects for ours.
CREATE OR REPLACE FUNCTION wallet.check_routines()
RETURNS TABLE (routine text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.oid::regprocedure::text, 'does not belong to wallet_owner'
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = 'wallet'::regnamespace AND p.proowner <> 'wallet_owner'::regrole
    UNION ALL
    SELECT p.oid::regprocedure::text, 'has no fixed search_path'
    FROM pg_catalog.pg_proc AS p
    WHERE
        p.pronamespace = 'wallet'::regnamespace AND p.prosqlbody IS NULL
        AND coalesce(NOT p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], TRUE)
    UNION ALL
    SELECT format('wallet.%I', c.relname), 'does not belong to wallet_owner'
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'wallet'::regnamespace AND c.relowner <> 'wallet_owner'::regrole
$$;

COMMENT ON FUNCTION wallet.check_routines() IS
'Routines and tables of another owner, and routines that look up names by the caller''s search_path.';

GRANT EXECUTE ON FUNCTION wallet.check_routines() TO wallet_service, wallet_auditor;
