-- A page of the transactions with a referenceId, newest first. 10,000 with that reference are looked at, at most: then the page ends
-- early, and the next one begins where this one stopped.
CREATE OR REPLACE FUNCTION wallet.search_reference(
    p_filter wallet.transaction_filter,
    p_before uuid,
    p_limit bigint,
    OUT ids uuid[],
    OUT next_before uuid
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_before CONSTANT uuid := coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    v_hash CONSTANT bigint := hashtextextended(p_filter.reference_id, 0);
BEGIN
    ids := ARRAY(
        SELECT n.id
        FROM (
            SELECT t.id
            FROM wallet.transactions AS t
            WHERE t.reference_id IS NOT NULL AND hashtextextended(t.reference_id, 0) = v_hash AND t.id < v_before
            ORDER BY t.id DESC LIMIT 10000
        ) AS n
        JOIN wallet.transactions AS t ON n.id = t.id
        WHERE wallet.matches_filter(t, p_filter)
        ORDER BY n.id DESC LIMIT p_limit
    );
    IF cardinality(ids) >= p_limit THEN
        next_before := ids[cardinality(ids)];
        RETURN;
    END IF;
    SELECT t.id INTO next_before
    FROM wallet.transactions AS t
    WHERE t.reference_id IS NOT NULL AND hashtextextended(t.reference_id, 0) = v_hash AND t.id < v_before
    ORDER BY t.id DESC OFFSET 9999 LIMIT 1;
END;
$$;

COMMENT ON FUNCTION wallet.search_reference(wallet.transaction_filter, uuid, bigint) IS
'As wallet.search_blocks, for a filter with a reference_id.';
