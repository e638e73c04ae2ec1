-- Several balances in one look-up: the service answers the reads that wait together with one query.
CREATE OR REPLACE FUNCTION wallet.read_balances(p_account_ids uuid[])
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
    SELECT
        a.id,
        (
            '{"accountId":"' || a.id || '","balance":' || trim_scale(b.balance) || ',' || wallet.funds_text(a, b.balance)
            || ',"assetTypeId":"' || a.asset_type_id || '"}'
        )::json
    FROM wallet.accounts AS a
    CROSS JOIN LATERAL (
        SELECT CASE a.account_type
            WHEN 'USER' THEN a.balance
            ELSE (SELECT s.balance FROM wallet.sum_stripes(a.asset_type_id, a.account_type) AS s)
        END AS balance
    ) AS b
    WHERE a.id = ANY(p_account_ids) AND a.stripe = 0;
END;
$$;

COMMENT ON FUNCTION wallet.read_balances(uuid[]) IS
'The balances of these accounts as JSON {accountId, balance, held, available, assetTypeId}, in no order; an id that is none gives no row.';

GRANT EXECUTE ON FUNCTION wallet.read_balances(uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
