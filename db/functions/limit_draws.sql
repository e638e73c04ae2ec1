-- What the lines of a batch take from the spending limits of wallets and from budgets.
--
-- A hold counts from when it is made, and as long as it is open: its capture frees the hold and debits the amount, its void only frees.
-- A draw is the sum of both, so a capture never takes anything, and cannot be refused. All that a treasury issues, and all that comes
-- back to it, moves the asset's own budget.
CREATE OR REPLACE FUNCTION wallet.limit_draws(
    p_lines wallet.posting_line[],
    p_account_ids uuid[],
    p_leg_lines integer[],
    p_leg_cells integer[],
    p_leg_places integer[],
    p_leg_amounts numeric[]
)
RETURNS SETOF wallet.limit_draw
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable's array is taken apart once, a parameter's each time an element is asked for.
    v_lines wallet.posting_line[] := p_lines;
BEGIN
    RETURN QUERY
    WITH legs AS MATERIALIZED (
        SELECT
            g.line, g.place, g.amount, (v_lines[g.line]).type, (v_lines[g.line]).related_id, (v_lines[g.line]).request,
            a.id AS account_id, a.account_type, a.asset_type_id
        FROM unnest(p_leg_lines, p_leg_cells, p_leg_places, p_leg_amounts) AS g (line, cell, place, amount)
        JOIN wallet.accounts AS a ON p_account_ids[g.cell] = a.id
        JOIN wallet.asset_types AS t ON a.asset_type_id = t.id
        WHERE g.place <> 0 AND t.is_limited AND a.account_type IN ('USER', 'TREASURY')
    )
    SELECT u.line, u.rule_id, u.account_id, u.is_count, u.amount
    FROM (
        SELECT g.line, s.id AS rule_id, g.account_id, k.is_count, sum(k.amount) AS amount, s.name
        FROM legs AS g
        CROSS JOIN LATERAL (
            SELECT i.* FROM wallet.spending_limits AS i WHERE i.asset_type_id = g.asset_type_id AND i.account_id IS NULL
            UNION ALL
            SELECT i.* FROM wallet.spending_limits AS i WHERE i.asset_type_id = g.asset_type_id AND i.account_id = g.account_id
        ) AS s
        CROSS JOIN LATERAL (VALUES (FALSE, s.amount_max, g.amount), (TRUE, s.count_max, sign(g.amount))) AS k (is_count, maximum, amount)
        WHERE g.account_type = 'USER' AND g.type <> 'REFUND' AND (g.place = -1 OR g.amount < 0) AND k.maximum IS NOT NULL
        GROUP BY g.line, s.id, g.account_id, k.is_count, s.name
        HAVING sum(k.amount) <> 0
        UNION ALL
        -- The asset's own budget after its campaigns'.
        SELECT g.line, b.id, NULL, FALSE, g.amount, CASE b.campaign WHEN '' THEN '~' ELSE b.campaign END
        FROM legs AS g
        JOIN wallet.budgets AS b
            ON
                g.asset_type_id = b.asset_type_id
                AND b.campaign = ANY(ARRAY['', CASE g.type
                    WHEN 'REFUND' THEN (SELECT t.request ->> 'campaign' FROM wallet.transactions AS t WHERE t.id = g.related_id)
                    ELSE g.request ->> 'campaign'
                END])
        WHERE g.account_type = 'TREASURY'
    ) AS u
    ORDER BY u.name COLLATE "C", u.is_count;
END;
$$;

COMMENT ON FUNCTION wallet.limit_draws(wallet.posting_line[], uuid[], integer[], integer[], integer[], numeric[]) IS
'Per line: what it takes from each spending limit that applies, by amount and by count, and from each budget. In order of the rules'' names, which is the order they refuse in. Refunds take from no spending limit, and give nothing back to one.';
