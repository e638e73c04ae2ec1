-- Several holds in one look-up: the service answers the reads that wait together with one query.
CREATE OR REPLACE FUNCTION wallet.read_holds(p_ids uuid[])
RETURNS TABLE (id uuid, answer json)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.id, wallet.hold_json(h, clock_timestamp()) FROM wallet.holds AS h WHERE h.id = ANY(p_ids);
END;
$$;

COMMENT ON FUNCTION wallet.read_holds(uuid[]) IS
'The holds with these ids as JSON, each as it is now, in no order; an id that is none gives no row.';

GRANT EXECUTE ON FUNCTION wallet.read_holds(uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
