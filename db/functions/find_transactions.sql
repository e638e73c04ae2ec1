-- Where a page of all transactions is. Counts per block of numbers tell what to skip: at most 1,024 blocks of each level and 1,024
-- rows per block are looked at for a row of the page, however deep it is and however rare its type.
CREATE OR REPLACE FUNCTION wallet.find_transactions(
    p_type wallet.transaction_type,
    p_status wallet.transaction_status,
    p_skip bigint,
    p_limit bigint,
    OUT ids uuid[],
    OUT total bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_outer record;
    v_inner record;
    v_skip bigint := p_skip;
    v_offset bigint;
    v_found bigint := 0;
    v_blocks bigint[] := '{}';
BEGIN
    SELECT coalesce(sum(b.transaction_count), 0) INTO total
    FROM wallet.transaction_blocks AS b
    WHERE b.level = 1 AND (p_type IS NULL OR b.type = p_type) AND (p_status IS NULL OR b.status = p_status);
    <<outer_blocks>>
    FOR v_outer IN
        SELECT b.block, sum(b.transaction_count) AS row_count FROM wallet.transaction_blocks AS b
        WHERE b.level = 1 AND (p_type IS NULL OR b.type = p_type) AND (p_status IS NULL OR b.status = p_status)
        GROUP BY b.block ORDER BY b.block DESC
    LOOP
        IF v_offset IS NULL AND v_skip >= v_outer.row_count THEN
            v_skip := v_skip - v_outer.row_count;
            CONTINUE;
        END IF;
        FOR v_inner IN
            SELECT b.block, sum(b.transaction_count) AS row_count FROM wallet.transaction_blocks AS b
            WHERE
                b.level = 0 AND b.block >= v_outer.block << 10 AND b.block < (v_outer.block + 1) << 10
                AND (p_type IS NULL OR b.type = p_type) AND (p_status IS NULL OR b.status = p_status)
            GROUP BY b.block ORDER BY b.block DESC
        LOOP
            IF v_offset IS NULL AND v_skip >= v_inner.row_count THEN
                v_skip := v_skip - v_inner.row_count;
                CONTINUE;
            END IF;
            v_offset := coalesce(v_offset, v_skip);
            v_blocks := v_blocks || v_inner.block;
            v_found := v_found + v_inner.row_count;
            EXIT outer_blocks WHEN v_found - v_offset >= p_limit;
        END LOOP;
    END LOOP;
    SELECT array_agg(r.id ORDER BY r.id DESC) INTO ids
    FROM (
        SELECT i.id FROM unnest(v_blocks) AS b (block)
        CROSS JOIN LATERAL (
            SELECT t.id FROM wallet.transactions AS t
            WHERE
                t.id >= wallet.transaction_id(b.block << 10, v_zero) AND t.id < wallet.transaction_id((b.block + 1) << 10, v_zero)
                AND (p_type IS NULL OR t.type = p_type) AND (p_status IS NULL OR t.status = p_status)
            ORDER BY t.id DESC LIMIT coalesce(v_offset, 0) + p_limit
        ) AS i
        ORDER BY i.id DESC OFFSET v_offset LIMIT p_limit
    ) AS r;
END;
$$;

COMMENT ON FUNCTION wallet.find_transactions(wallet.transaction_type, wallet.transaction_status, bigint, bigint) IS
'The ids of a page of all transactions, newest first, and how many there are; NULL filters do not filter.';
