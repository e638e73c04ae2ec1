-- Notes on the asset whether its postings have to look for limits and budgets. The caller has the lock of the asset's row.
CREATE OR REPLACE FUNCTION wallet.mark_limited(p_asset_type_id uuid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE wallet.asset_types AS t
    SET is_limited = n.is_limited, updated_at = greatest(t.updated_at, clock_timestamp())
    FROM (
        -- Budgets are counted whether they have a maximum or not.
        SELECT EXISTS (SELECT FROM wallet.budgets AS b WHERE b.asset_type_id = p_asset_type_id) OR EXISTS (
            SELECT FROM wallet.spending_limits AS s
            WHERE s.asset_type_id = p_asset_type_id AND num_nonnulls(s.amount_max, s.count_max) > 0
        ) AS is_limited
    ) AS n
    WHERE t.id = p_asset_type_id AND t.is_limited <> n.is_limited;
END;
$$;

COMMENT ON FUNCTION wallet.mark_limited(uuid) IS 'Sets asset_types.is_limited: true when the asset has a budget, or a spending limit that is not lifted.';
