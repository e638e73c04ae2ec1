-- A page of transactions by what they are, newest first. Blocks of numbers whose ranges shut out every match are passed over; in the
-- others the rows are looked at, 10,000 at most: then the page ends early, and the next one begins where this one stopped. The ranges
-- are those of the rows themselves, so nothing is missed, even where the clock stepped back between two postings.
CREATE OR REPLACE FUNCTION wallet.search_blocks(
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
AS $$
#variable_conflict use_column
DECLARE
    v_zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_before CONSTANT uuid := coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    v_number CONSTANT bigint := wallet.transaction_number(v_before);
    v_level bigint;
    v_block record;
    v_looked bigint := 0;
BEGIN
    ids := '{}';
    FOR v_level IN
        SELECT DISTINCT b.block FROM wallet.transaction_blocks AS b
        WHERE
            b.level = 1 AND b.block <= v_number >> 20
            AND wallet.block_may_match(b, p_filter)
        ORDER BY b.block DESC
    LOOP
        FOR v_block IN
            SELECT b.block, sum(b.transaction_count) AS row_count FROM wallet.transaction_blocks AS b
            WHERE
                b.level = 0 AND b.block >= v_level << 10 AND b.block < (v_level + 1) << 10 AND b.block <= v_number >> 10
                AND wallet.block_may_match(b, p_filter)
            GROUP BY b.block ORDER BY b.block DESC
        LOOP
            IF v_looked >= 10000 THEN
                next_before := wallet.transaction_id((v_block.block + 1) << 10, v_zero);
                RETURN;
            END IF;
            v_looked := v_looked + v_block.row_count;
            ids := ids || ARRAY(
                SELECT t.id FROM wallet.transactions AS t
                WHERE
                    t.id >= wallet.transaction_id(v_block.block << 10, v_zero)
                    AND t.id < least(wallet.transaction_id((v_block.block + 1) << 10, v_zero), v_before)
                    AND wallet.matches_filter(t, p_filter)
                ORDER BY t.id DESC LIMIT p_limit - cardinality(ids)
            );
            IF cardinality(ids) >= p_limit THEN
                next_before := ids[cardinality(ids)];
                RETURN;
            END IF;
        END LOOP;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.search_blocks(wallet.transaction_filter, uuid, bigint) IS
'The ids of the next p_limit transactions before p_before (NULL: of all) that match, newest first, or fewer when 10,000 were looked at; and before which to go on (NULL: there are no more).';
