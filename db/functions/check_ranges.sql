-- Searches by time and amount pass over the blocks whose ranges say that nothing is in them.
CREATE OR REPLACE FUNCTION wallet.check_ranges()
RETURNS TABLE (level smallint, block bigint, asset_type_id uuid, type text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH real AS (
        SELECT
            k.level, wallet.transaction_number(t.id) >> k.shift AS block, t.asset_type_id, t.type,
            min(t.created_at) AS created_min, max(t.created_at) AS created_max, min(t.amount) AS amount_min, max(t.amount) AS amount_max
        FROM wallet.transactions AS t
        CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
        GROUP BY 1, 2, 3, 4
    ), kept AS (
        SELECT
            b.level, b.block, b.asset_type_id, b.type, min(b.created_min) AS created_min, max(b.created_max) AS created_max,
            min(b.amount_min) AS amount_min, max(b.amount_max) AS amount_max
        FROM wallet.transaction_blocks AS b
        GROUP BY 1, 2, 3, 4
    )
    SELECT r.level, r.block, r.asset_type_id, r.type::text
    FROM real AS r
    JOIN kept AS k USING (level, block, asset_type_id, type)
    WHERE
        r.created_min < k.created_min OR r.created_max > k.created_max
        OR r.amount_min < k.amount_min OR r.amount_max > k.amount_max
$$;

COMMENT ON FUNCTION wallet.check_ranges() IS
'Blocks with a transaction outside of the range of instants or of amounts that is kept for them.';

GRANT EXECUTE ON FUNCTION wallet.check_ranges() TO wallet_service, wallet_auditor;
