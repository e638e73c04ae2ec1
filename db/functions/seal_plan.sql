-- Which seals are to be made: one for each closed day with something new, more for a day with very much. The numbers decide: a seal
-- ends at the day's highest, so that a clock that stepped back leaves nothing of a closed day unsealed.
CREATE OR REPLACE FUNCTION wallet.seal_plan(p_settled_number bigint)
RETURNS TABLE (day date, number_to bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealed AS (
        SELECT coalesce(max(s.number_to), -1) AS number, max(s.day) AS day FROM wallet.seals AS s
    ), days AS (
        SELECT (t.created_at AT TIME ZONE 'UTC')::date AS day, least(max(wallet.transaction_number(t.id)), p_settled_number) AS number_to
        FROM wallet.transactions AS t
        WHERE
            t.id >= wallet.transaction_id((SELECT s.number + 1 FROM sealed AS s), '00000000-0000-0000-0000-000000000000')
            AND t.id < wallet.transaction_id(p_settled_number + 1, '00000000-0000-0000-0000-000000000000')
        GROUP BY 1
    ), rising AS (
        SELECT d.day, d.number_to, max(d.number_to) OVER (ORDER BY d.day ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS number_before
        FROM days AS d
        WHERE d.day < (clock_timestamp() AT TIME ZONE 'UTC')::date
    ), ranges AS (
        -- What a clock that stepped back put on a day before goes with the newest seal's.
        SELECT greatest(r.day, s.day) AS day, r.number_to, greatest(r.number_before, s.number) AS number_before
        FROM rising AS r
        CROSS JOIN sealed AS s
        WHERE r.number_before IS NULL OR r.number_to > r.number_before
    )
    SELECT r.day, least(g.number_to, r.number_to)
    FROM ranges AS r
    CROSS JOIN LATERAL generate_series(
        (((r.number_before + 1) >> 18) << 18) + 262143, r.number_to + 262143, 262144
    ) AS g (number_to)
    ORDER BY 2
$$;

COMMENT ON FUNCTION wallet.seal_plan(bigint) IS
'The calls of wallet.seal_range that seal every closed day (UTC) up to a settled number: the day and the last posting number, at most 262,144 numbers each. Reads what is not sealed yet, once.';

GRANT EXECUTE ON FUNCTION wallet.seal_plan(bigint) TO wallet_service;
