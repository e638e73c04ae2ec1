-- Second step of wallet.post: locks every account of the batch in ascending id and reads what the locks protect.
--
-- FOR NO KEY UPDATE, never FOR UPDATE: a foreign key's KEY SHARE lock on the row must not wait for a posting.
-- The index columns say where in the account arrays each line's two accounts are, so that the settling loop only does array look-ups.
CREATE OR REPLACE FUNCTION wallet.lock_accounts(
    p_lines wallet.posting_line[],
    OUT account_ids uuid[],
    OUT balances numeric[],
    OUT balance_mins numeric[],
    OUT versions bigint[],
    OUT posted_at timestamptz,
    OUT codes text[],
    OUT amounts numeric[],
    OUT source_indexes integer[],
    OUT dest_indexes integer[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_ids uuid[];
BEGIN
    SELECT
        array_agg(DISTINCT r.account_id ORDER BY r.account_id) FILTER (WHERE r.account_id IS NOT NULL),
        array_agg(r.index ORDER BY r.ordinal) FILTER (WHERE r.is_source),
        array_agg(r.index ORDER BY r.ordinal) FILTER (WHERE NOT r.is_source),
        array_agg(r.amount ORDER BY r.ordinal) FILTER (WHERE r.is_source),
        array_agg(r.code ORDER BY r.ordinal) FILTER (WHERE r.is_source)
    INTO v_ids, source_indexes, dest_indexes, amounts, codes
    FROM (
        SELECT l.ordinal, l.amount, l.code, side.is_source, side.account_id, dense_rank() OVER (ORDER BY side.account_id) AS index
        FROM unnest(p_lines) AS l
        CROSS JOIN LATERAL (
            VALUES (TRUE, CASE WHEN l.code IS NULL THEN l.source_account_id END),
                   (FALSE, CASE WHEN l.code IS NULL THEN l.dest_account_id END)
        ) AS side (is_source, account_id)
    ) AS r;

    SELECT
        array_agg(a.id), array_agg(a.balance), array_agg(a.balance_min), array_agg(a.version),
        greatest(clock_timestamp(), max(a.updated_at))
    INTO account_ids, balances, balance_mins, versions, posted_at
    FROM (
        SELECT b.id, b.balance, b.balance_min, b.version, b.updated_at
        FROM wallet.accounts AS b
        WHERE b.id = ANY(v_ids)
        ORDER BY b.id
        FOR NO KEY UPDATE
    ) AS a;
    ASSERT account_ids IS NOT DISTINCT FROM v_ids, 'accounts are never removed';
END;
$$;

COMMENT ON FUNCTION wallet.lock_accounts(wallet.posting_line []) IS
'Locks the accounts of the lines that are not refused, in ascending id. Gives their state as parallel arrays in that order, the instant of the postings (never before an account''s last), and per line the code, the amount and the places of its two accounts.';
