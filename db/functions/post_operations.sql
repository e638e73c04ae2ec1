-- The batch of operations of every kind for callers from SQL, who post as the login they came with, whatever role they have set since.
CREATE OR REPLACE FUNCTION wallet.post_operations(p_operations wallet.operation[])
RETURNS SETOF wallet.posting_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM wallet.post_as(p_operations, array_fill('role:' || session_user, ARRAY[coalesce(cardinality(p_operations), 0)]));
END;
$$;

COMMENT ON FUNCTION wallet.post_operations(wallet.operation[]) IS
'Posts 1 to 1000 operations as if run one after the other, and answers each: POSTED, REPLAYED or REFUSED. A refused operation writes nothing and harms no other. Raises WL001 for an empty or larger batch, 40001 and 40P01 when the transaction must be run again.';

GRANT EXECUTE ON FUNCTION wallet.post_operations(wallet.operation[]) TO wallet_service, wallet_jobs;
