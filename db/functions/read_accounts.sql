-- Several accounts in one look-up: the service answers the reads that wait together with one query.
CREATE OR REPLACE FUNCTION wallet.read_accounts(p_ids uuid[])
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
    SELECT t.id, wallet.account_json(t) FROM wallet.accounts AS t WHERE t.id = ANY(p_ids);
END;
$$;

COMMENT ON FUNCTION wallet.read_accounts(uuid[]) IS
'The accounts with these ids as JSON, in no order; an id that is none gives no row.';

GRANT EXECUTE ON FUNCTION wallet.read_accounts(uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
