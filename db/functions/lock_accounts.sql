-- Second step of wallet.post: locks every account of the batch in ascending id and reads what the locks protect.
--
-- FOR NO KEY UPDATE, never FOR UPDATE: a foreign key's KEY SHARE lock on the row must not wait for a posting.
CREATE OR REPLACE FUNCTION wallet.lock_accounts(
    p_account_ids uuid[],
    OUT account_ids uuid[],
    OUT balances numeric[],
    OUT balance_mins numeric[],
    OUT versions bigint[],
    OUT posted_at timestamptz
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    SELECT
        array_agg(a.id), array_agg(a.balance), array_agg(a.balance_min), array_agg(a.version),
        greatest(clock_timestamp(), max(a.updated_at))
    INTO account_ids, balances, balance_mins, versions, posted_at
    FROM (
        SELECT b.id, b.balance, b.balance_min, b.version, b.updated_at
        FROM wallet.accounts AS b
        WHERE b.id = ANY(p_account_ids)
        ORDER BY b.id
        FOR NO KEY UPDATE
    ) AS a;
END;
$$;

COMMENT ON FUNCTION wallet.lock_accounts(uuid[]) IS
'Locks accounts in ascending id. Gives their state as parallel arrays in that order, and the instant of the postings: now, but never before an account''s last posting.';
