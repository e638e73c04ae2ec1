-- Totals and deep pages of GET /transactions rest on these counts.
CREATE OR REPLACE FUNCTION wallet.check_counts()
RETURNS TABLE (level smallint, block bigint, type text, kept_count bigint, real_count bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH numbered AS (
        SELECT
            t.asset_type_id,
            t.type,
            t.status,
            ('x' || substr(replace(t.id::text, '-', ''), 1, 12) || substr(replace(t.id::text, '-', ''), 14, 3))::bit(60)::bigint AS number
        FROM wallet.transactions AS t
    ), counted AS (
        SELECT k.level, n.number >> k.shift AS block, n.asset_type_id, n.type, n.status, count(*) AS real_count
        FROM numbered AS n
        CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
        GROUP BY 1, 2, 3, 4, 5
    )
    SELECT level, block, type::text, coalesce(b.kept_count, 0), coalesce(c.real_count, 0)
    FROM counted AS c
    FULL JOIN (
        SELECT k.level, k.block, k.asset_type_id, k.type, k.status, sum(k.transaction_count)::bigint AS kept_count
        FROM wallet.transaction_blocks AS k
        GROUP BY k.level, k.block, k.asset_type_id, k.type, k.status
    ) AS b USING (level, block, asset_type_id, type, status)
    WHERE b.kept_count IS DISTINCT FROM c.real_count
$$;

COMMENT ON FUNCTION wallet.check_counts() IS
'Blocks whose kept count of transactions is not the number of transactions in them.';

GRANT EXECUTE ON FUNCTION wallet.check_counts() TO wallet_service, wallet_auditor;
