-- Which limit or budget refused which line of a batch, and when it frees up: as things are once the batch is posted.
CREATE OR REPLACE FUNCTION wallet.refused_limits(
    p_cells wallet.limit_cell[],
    p_first_cell integer,
    p_codes text[],
    p_available numeric[],
    p_refused_legs integer[],
    p_leg_cells integer[],
    p_leg_amounts numeric[],
    p_at timestamptz
)
RETURNS jsonb[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT CASE
            WHEN r.code IN ('spending_limit_exceeded', 'issuance_budget_exceeded', 'campaign_inactive') THEN wallet.limit_details(
                p_cells[p_leg_cells[r.leg] - p_first_cell + 1], r.available, -p_leg_amounts[r.leg], p_at
            )
        END
        FROM unnest(p_codes, p_available, p_refused_legs) WITH ORDINALITY AS r (code, available, leg, ordinal)
        ORDER BY r.ordinal
    );
END;
$$;

COMMENT ON FUNCTION wallet.refused_limits(
    wallet.limit_cell[], integer, text[], numeric[], integer[], integer[], numeric[], timestamptz
) IS
'Per line, in order: wallet.limit_details() of the cell that refused it; NULL for all other lines. p_first_cell is the number of the first of these cells among all.';
