-- The legs of the lines that have more than a source and a destination.
CREATE OR REPLACE FUNCTION wallet.special_legs(p_lines wallet.posting_line[])
RETURNS TABLE (line integer, place integer, account_id uuid, quota_id uuid, amount numeric, is_first boolean)
LANGUAGE plpgsql
IMMUTABLE
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT
        l.ordinal, e.place, e.account_id, e.quota_id, e.amount,
        e.place = CASE WHEN l.quota_id IS NOT NULL THEN 0 WHEN l.reserve IS NOT NULL THEN -1 ELSE 1 END
    FROM unnest(p_lines) AS l
    CROSS JOIN LATERAL (
        SELECT 0 AS place, NULL::uuid AS account_id, l.quota_id, -l.draw AS amount WHERE l.quota_id IS NOT NULL
        UNION ALL
        SELECT -1, l.source_account_id, NULL, l.reserve WHERE l.reserve IS NOT NULL
        UNION ALL
        SELECT v.place, v.account_id, NULL, v.amount
        FROM (VALUES (1, l.source_account_id, -l.amount), (2, l.dest_account_id, l.amount)) AS v (place, account_id, amount)
        WHERE l.leg_account_ids IS NULL
        UNION ALL
        SELECT u.place::integer, u.account_id, NULL, u.amount
        FROM unnest(l.leg_account_ids, l.leg_amounts) WITH ORDINALITY AS u (account_id, amount, place)
    ) AS e
    WHERE num_nonnulls(l.leg_account_ids, l.reserve, l.quota_id) > 0;
END;
$$;

COMMENT ON FUNCTION wallet.special_legs(wallet.posting_line[]) IS
'What these lines draw from quotas (place 0), what they free or hold (place -1), and their entries by leg number. No rows for lines that are a source, a destination and an amount.';
