-- What is left of the spending limits and budgets that a batch draws on. The wallets are locked already; budgets are locked here.
CREATE OR REPLACE FUNCTION wallet.limit_cells(p_draws wallet.limit_draw[], p_at timestamptz)
RETURNS SETOF wallet.limit_cell
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM wallet.budgets AS b
    WHERE b.id = ANY(ARRAY(SELECT d.rule_id FROM unnest(p_draws) AS d WHERE d.account_id IS NULL))
    ORDER BY b.id
    FOR NO KEY UPDATE;
    RETURN QUERY
    WITH drawn AS MATERIALIZED (
        SELECT d.rule_id, d.account_id, bool_or(NOT d.is_count) AS by_amount, bool_or(d.is_count) AS by_count
        FROM unnest(p_draws) AS d
        GROUP BY d.rule_id, d.account_id
    )
    SELECT d.rule_id, d.account_id, k.is_count, k.room, 0::numeric, 'spending_limit_exceeded'
    FROM drawn AS d
    JOIN wallet.spending_limits AS s ON d.rule_id = s.id
    CROSS JOIN LATERAL wallet.limit_room(s, d.account_id, p_at) AS r
    CROSS JOIN LATERAL (VALUES (FALSE, d.by_amount, r.amount_left), (TRUE, d.by_count, r.count_left)) AS k (is_count, is_drawn, room)
    WHERE k.is_drawn
    UNION ALL
    SELECT
        d.rule_id, NULL, FALSE, -b.issued, CASE WHEN v.is_valid THEN -b.amount_max ELSE 'Infinity' END,
        CASE WHEN v.is_valid THEN 'issuance_budget_exceeded' ELSE 'campaign_inactive' END
    FROM drawn AS d
    JOIN wallet.budgets AS b ON d.rule_id = b.id
    CROSS JOIN LATERAL (
        SELECT (b.valid_from <= p_at) IS NOT FALSE AND (b.valid_until > p_at) IS NOT FALSE AS is_valid
    ) AS v;
END;
$$;

COMMENT ON FUNCTION wallet.limit_cells(wallet.limit_draw[], timestamptz) IS
'The cells of the settling loop for these draws: what is left of each limit at the instant, and of each budget, which is locked. A campaign that is not valid gives nothing.';
