-- The lines of a statement, oldest first: the entries of each row of the account between two versions, merged in the order of
-- wallet.find_entries. Each look-up is by key: a join would let the planner read all transactions.
CREATE OR REPLACE FUNCTION wallet.statement_lines(p_account_ids uuid[], p_lows bigint[], p_highs bigint[], p_opening numeric)
RETURNS TABLE (
    entry wallet.ledger_entries,
    entry_id uuid,
    place bigint,
    balance_after numeric,
    type wallet.transaction_type,
    reference_id text,
    description text,
    counterparty_account_ids uuid[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        m.entry, (left((m.entry).transaction_id::text, 34) || lpad(to_hex((m.entry).leg::integer), 2, '0'))::uuid, m.place, m.balance_after,
        t.type, t.reference_id, t.description, coalesce(t.counterparty_account_ids, '{}')
    FROM (
        SELECT
            e.entry,
            (SELECT sum(l.low) FROM unnest(p_lows) AS l (low))::bigint + row_number() OVER w AS place,
            p_opening + sum(CASE (e.entry).entry_type WHEN 'CREDIT' THEN (e.entry).amount ELSE -(e.entry).amount END) OVER w AS balance_after
        FROM unnest(p_account_ids, p_lows, p_highs) AS c (id, low, high)
        CROSS JOIN LATERAL (
            SELECT r AS entry FROM wallet.ledger_entries AS r
            WHERE r.account_id = c.id AND r.version > c.low AND r.version <= c.high
            OFFSET 0
        ) AS e
        WINDOW w AS (ORDER BY (e.entry).created_at, (e.entry).account_id, (e.entry).version ROWS UNBOUNDED PRECEDING)
    ) AS m
    LEFT JOIN LATERAL (
        SELECT x.type, x.reference_id, x.description, wallet.counterparty_account_ids(x, (m.entry).account_id)
        FROM wallet.transactions AS x
        WHERE x.id = (m.entry).transaction_id
        OFFSET 0
    ) AS t (type, reference_id, description, counterparty_account_ids) ON TRUE
    ORDER BY m.place;
END;
$$;

COMMENT ON FUNCTION wallet.statement_lines(uuid[], bigint[], bigint[], numeric) IS
'The entries of these rows of an account after the lower and up to the upper version of each, oldest first: each with its place in the account''s history, the account''s balance after it (p_opening before the first), and what its transaction says. Ends and opening balance are those of wallet.statement_ends.';
