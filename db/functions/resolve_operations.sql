-- First step of the posting core: looks up what never changes (which account is what), so no lock is needed yet, and refuses what can
-- be refused without knowing a balance.
--
-- Lays out the legs of all lines one after the other: what a line draws from a quota, what it frees or holds,
-- then its entries by leg number; a refused line has one leg without a cell. A cell is a place in the arrays of the settling loop: first the accounts by
-- ascending id, as wallet.lock_accounts gives them, then the quotas by ascending id.
CREATE OR REPLACE FUNCTION wallet.resolve_operations(
    p_operations wallet.operation[],
    OUT lines wallet.posting_line[],
    OUT codes text[],
    OUT amounts numeric[],
    OUT account_ids uuid[],
    OUT quota_ids uuid[],
    OUT leg_starts integer[],
    OUT leg_lines integer[],
    OUT leg_cells integer[],
    OUT leg_amounts numeric[],
    OUT leg_places integer[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    SELECT
        array_agg(s.line) FILTER (WHERE s.is_first),
        array_agg((s.line).code) FILTER (WHERE s.is_first),
        array_agg((s.line).amount) FILTER (WHERE s.is_first),
        array_agg(s.account_id) FILTER (WHERE s.account_id IS NOT NULL),
        array_agg(s.quota_id) FILTER (WHERE s.quota_id IS NOT NULL),
        array_agg(s.position) FILTER (WHERE s.is_first) || (count(*) + 1)::integer,
        array_agg((s.line).ordinal),
        array_agg(s.cell),
        array_agg(s.amount),
        array_agg(s.place)
    INTO lines, codes, amounts, account_ids, quota_ids, leg_starts, leg_lines, leg_cells, leg_amounts, leg_places
    FROM (
        SELECT o.*, row_number() OVER ()::integer AS position
        FROM (
            SELECT
                l AS line, e.place, e.account_id, e.quota_id, e.amount,
                e.place = CASE WHEN l.quota_id IS NOT NULL THEN 0 WHEN l.reserve IS NOT NULL THEN -1 ELSE 1 END AS is_first,
                CASE WHEN l.code IS NULL THEN dense_rank() OVER (ORDER BY e.account_id, e.quota_id) END::integer AS cell
            FROM unnest(wallet.resolve_lines(p_operations)) AS l
            CROSS JOIN LATERAL (
                SELECT v.place, CASE WHEN l.code IS NULL THEN v.account_id END AS account_id, NULL::uuid AS quota_id, v.amount
                FROM (
                    VALUES (1, l.source_account_id, -l.amount), (2, l.dest_account_id, l.amount)
                ) AS v (place, account_id, amount)
                WHERE l.leg_account_ids IS NULL AND (v.place = 1 OR l.code IS NULL)
                UNION ALL
                SELECT u.place::integer, u.account_id, NULL, u.amount
                FROM unnest(l.leg_account_ids, l.leg_amounts) WITH ORDINALITY AS u (account_id, amount, place)
                WHERE l.leg_account_ids IS NOT NULL
                UNION ALL
                SELECT -1, l.source_account_id, NULL, l.reserve WHERE l.reserve IS NOT NULL
                UNION ALL
                SELECT 0, NULL, l.quota_id, -l.draw WHERE l.quota_id IS NOT NULL
            ) AS e
            ORDER BY l.ordinal, CASE e.place WHEN 0 THEN -2 ELSE e.place END
        ) AS o
    ) AS s;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_operations(wallet.operation[]) IS
'Turns operations into posting lines, one per operation, in order, and their legs into parallel arrays; leg_starts says where each line''s legs begin, and has one element more than there are lines. Places: an entry''s leg number; -1 frees (negative: holds) on the account; 0 draws on a quota. Gives the accounts and quotas with repeats.';
