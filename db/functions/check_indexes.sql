-- An index that a crash or a failed build left invalid is not used, and does not keep its constraint.
CREATE OR REPLACE FUNCTION wallet.check_indexes()
RETURNS TABLE (index text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.indexrelid::regclass::text, 'is not valid'
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
    WHERE c.relnamespace = 'wallet'::regnamespace AND NOT (i.indisvalid AND i.indisready AND i.indislive)
$$;

COMMENT ON FUNCTION wallet.check_indexes() IS
'Indexes that are not valid.';

GRANT EXECUTE ON FUNCTION wallet.check_indexes() TO wallet_service, wallet_auditor;
