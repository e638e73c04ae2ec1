-- The next lines of a statement, for the service: as many as the limit says, fewer where they are large. The versions say where the
-- statement is, so no page needs the snapshot of another.
CREATE OR REPLACE FUNCTION wallet.statement_page(
    p_account_ids uuid[],
    p_lows bigint[],
    p_highs bigint[],
    p_opening numeric,
    p_limit integer,
    OUT lines text,
    OUT lows bigint[],
    OUT line_count bigint,
    OUT debits numeric,
    OUT credits numeric
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_size_bytes_max CONSTANT integer := 1048576;
    v_highs CONSTANT bigint[] := wallet.statement_cut(p_account_ids, p_lows, p_highs, p_limit);
BEGIN
    WITH every AS (
        SELECT l.entry, l.place, j.line, sum(octet_length(j.line)) OVER (ORDER BY l.place) - octet_length(j.line) AS size_before_bytes
        FROM wallet.statement_lines(p_account_ids, p_lows, v_highs, p_opening) AS l
        CROSS JOIN LATERAL (
            SELECT wallet.statement_line_json(
                l.entry, l.entry_id, l.place, l.balance_after, l.type, l.reference_id, l.description, l.counterparty_account_ids
            ) OFFSET 0
        ) AS j (line)
    ),

    shown AS (
        SELECT v.entry, v.place, v.line FROM every AS v WHERE v.size_before_bytes < v_size_bytes_max
    )

    SELECT
        string_agg(s.line, ',' ORDER BY s.place),
        ARRAY(
            SELECT coalesce(max((n.entry).version), c.low)
            FROM unnest(p_account_ids, p_lows) WITH ORDINALITY AS c (id, low, stripe)
            LEFT JOIN shown AS n ON (n.entry).account_id = c.id
            GROUP BY c.stripe, c.low
            ORDER BY c.stripe
        ),
        count(*),
        coalesce(sum((s.entry).amount) FILTER (WHERE (s.entry).entry_type = 'DEBIT'), 0),
        coalesce(sum((s.entry).amount) FILTER (WHERE (s.entry).entry_type = 'CREDIT'), 0)
    INTO lines, lows, line_count, debits, credits
    FROM shown AS s;
END;
$$;

COMMENT ON FUNCTION wallet.statement_page(uuid[], bigint[], bigint[], numeric, integer) IS
'The next lines of a statement, at most p_limit and at least one while there are more: as JSON texts joined by commas (NULL: none), the versions at which the next page begins, their number, and the sums of their amounts. Give it what wallet.open_statement gave, then its own lows, with p_opening the balance there.';

GRANT EXECUTE ON FUNCTION wallet.statement_page(uuid[], bigint[], bigint[], numeric, integer) TO wallet_service;
