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
    SELECT a.id, wallet.account_json(a, a.balance, a.updated_at)
    FROM wallet.accounts AS a
    WHERE a.id = ANY(p_ids) AND a.account_type = 'USER'
    UNION ALL
    SELECT a.id, wallet.account_json(a, s.balance, s.updated_at)
    FROM wallet.accounts AS a
    CROSS JOIN LATERAL wallet.sum_stripes(a.asset_type_id, a.account_type) AS s
    WHERE a.id = ANY(p_ids) AND a.account_type <> 'USER' AND a.stripe = 0;
END;
$$;

COMMENT ON FUNCTION wallet.read_accounts(uuid[]) IS
'The accounts with these ids as JSON, in no order; an id that is none gives no row.';

GRANT EXECUTE ON FUNCTION wallet.read_accounts(uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
