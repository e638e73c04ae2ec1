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
    lines := wallet.resolve_lines(p_operations);
    codes := ARRAY(SELECT l.code FROM unnest(lines) AS l);
    SELECT
        array_agg(s.account_id) FILTER (WHERE s.account_id IS NOT NULL),
        array_agg(s.quota_id) FILTER (WHERE s.quota_id IS NOT NULL),
        array_agg(s.position) FILTER (WHERE s.is_first) || (count(*) + 1)::integer,
        array_agg(s.line),
        array_agg(s.cell),
        array_agg(s.amount),
        array_agg(s.place)
    INTO account_ids, quota_ids, leg_starts, leg_lines, leg_cells, leg_amounts, leg_places
    FROM (
        SELECT o.*, row_number() OVER ()::integer AS position
        FROM (
            SELECT
                e.*,
                CASE WHEN num_nonnulls(e.account_id, e.quota_id) > 0 THEN dense_rank() OVER (ORDER BY e.account_id, e.quota_id) END::integer AS cell
            FROM (
                SELECT l.ordinal AS line, v.place, v.account_id, NULL::uuid AS quota_id, v.amount, v.place = 1 AS is_first
                FROM unnest(lines) AS l
                CROSS JOIN LATERAL (
                    VALUES (1, CASE WHEN l.code IS NULL THEN l.source_account_id END, -l.amount), (2, l.dest_account_id, l.amount)
                ) AS v (place, account_id, amount)
                WHERE num_nonnulls(l.leg_account_ids, l.reserve, l.quota_id) = 0 AND (v.place = 1 OR l.code IS NULL)
                UNION ALL
                SELECT * FROM wallet.special_legs(lines)
            ) AS e
            ORDER BY e.line, CASE e.place WHEN 0 THEN -2 ELSE e.place END
        ) AS o
    ) AS s;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_operations(wallet.operation[]) IS
'Turns operations into posting lines, one per operation, in order, and their legs into parallel arrays; leg_starts says where each line''s legs begin, and has one element more than there are lines. Places: an entry''s leg number; -1 frees (negative: holds) on the account; 0 draws on a quota. Gives the accounts and quotas with repeats.';
