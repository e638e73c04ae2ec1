-- The batch of plain postings for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.post(p_requests wallet.posting_request[])
RETURNS SETOF wallet.posting_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM wallet.post_as(ARRAY(
        SELECT ROW(
            CASE WHEN r.type IN ('TOP_UP', 'BONUS', 'SPEND') THEN r.type END, r.idempotency_key, r.account_id, r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL
        )::wallet.operation
        FROM unnest(p_requests) AS r
    ), array_fill('role:' || session_user, ARRAY[coalesce(cardinality(p_requests), 0)]));
END;
$$;

COMMENT ON FUNCTION wallet.post(wallet.posting_request[]) IS
'Posts 1 to 1000 requests as if run one after the other, and answers each: POSTED, REPLAYED or REFUSED. A refused request writes nothing and harms no other. Raises WL001 for an empty or larger batch, 40001 and 40P01 when the transaction must be run again.';

GRANT EXECUTE ON FUNCTION wallet.post(wallet.posting_request[]) TO wallet_service, wallet_jobs;
