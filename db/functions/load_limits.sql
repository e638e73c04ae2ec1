-- Makes cells of the spending limits and budgets that a batch draws on, and gives the lines a leg for each draw, after the ones they
-- have: a limit is only asked when all else allows the line.
--
-- As long as nothing is limited, all this costs is one look at an empty index. It is a statement under the account locks, so a rule
-- that was made before they were had is seen.
CREATE OR REPLACE FUNCTION wallet.load_limits(
    p_lines wallet.posting_line[],
    p_account_ids uuid[],
    p_cell_count integer,
    p_posted_at timestamptz,
    INOUT leg_starts integer[],
    INOUT leg_lines integer[],
    INOUT leg_cells integer[],
    INOUT leg_places integer[],
    INOUT leg_amounts numeric[],
    OUT cells wallet.limit_cell[],
    OUT balances numeric[],
    OUT floors numeric[],
    OUT codes text[],
    OUT versions bigint[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_draws wallet.limit_draw[];
BEGIN
    IF NOT EXISTS (SELECT FROM wallet.asset_types AS a WHERE a.is_limited) THEN
        RETURN;
    END IF;
    v_draws := ARRAY(SELECT d FROM wallet.limit_draws(p_lines, p_account_ids, leg_lines, leg_cells, leg_places, leg_amounts) AS d);
    IF v_draws = '{}' THEN
        RETURN;
    END IF;
    SELECT array_agg(c), array_agg(c.balance), array_agg(c.floor), array_agg(c.code), array_agg(0)
    INTO cells, balances, floors, codes, versions
    FROM (SELECT * FROM wallet.limit_cells(v_draws, p_posted_at) AS l ORDER BY l.rule_id, l.account_id, l.is_count) AS c;
    SELECT
        array_agg(s.position) FILTER (WHERE s.is_first) || (count(*) + 1)::integer,
        array_agg(s.line), array_agg(s.cell), array_agg(s.place), array_agg(s.amount)
    INTO leg_starts, leg_lines, leg_cells, leg_places, leg_amounts
    FROM (
        SELECT
            o.*, row_number() OVER legs::integer AS position, o.line IS DISTINCT FROM lag(o.line) OVER legs AS is_first
        FROM (
            SELECT g.line, g.cell, g.place, g.amount, g.ordinal
            FROM unnest(leg_lines, leg_cells, leg_places, leg_amounts) WITH ORDINALITY AS g (line, cell, place, amount, ordinal)
            UNION ALL
            SELECT
                d.line, p_cell_count + dense_rank() OVER (ORDER BY d.rule_id, d.account_id, d.is_count), 0, d.amount,
                cardinality(leg_lines) + d.ordinal
            FROM unnest(v_draws) WITH ORDINALITY AS d (line, rule_id, account_id, is_count, amount, ordinal)
        ) AS o
        WINDOW legs AS (ORDER BY o.line, o.ordinal)
        ORDER BY o.line, o.ordinal
    ) AS s;
END;
$$;

COMMENT ON FUNCTION wallet.load_limits(
    wallet.posting_line[], uuid[], integer, timestamptz, integer[], integer[], integer[], integer[], numeric[]
) IS
'Gives the legs of the lines with those that draw on limits and budgets, and the cells of these, which come after p_cell_count others: who they are, and their balances, floors, codes and versions. The legs as they were, and NULLs, when nothing is limited.';
