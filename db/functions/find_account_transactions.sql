-- Where a page of one account's transactions is. Without a filter it is a range of versions, as in its ledger. A filter is answered
-- from the account's newest 10,000 entries, so that a wallet with millions of them costs no more.
CREATE OR REPLACE FUNCTION wallet.find_account_transactions(
    p_account_id uuid,
    p_type wallet.transaction_type,
    p_status wallet.transaction_status,
    p_skip bigint,
    p_limit bigint,
    OUT ids uuid[],
    OUT total bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0) THEN
        total := 0;
        RETURN;
    END IF;
    IF p_type IS NULL AND p_status IS NULL THEN
        SELECT sum(a.version) INTO total FROM wallet.stripes_of(p_account_id) AS a;
        SELECT array_agg((e.entry).transaction_id ORDER BY e.place DESC) INTO ids
        FROM wallet.find_entries(p_account_id, p_skip, p_limit) AS e;
        RETURN;
    END IF;
    WITH matching AS MATERIALIZED (
        SELECT t.id, e.place
        FROM wallet.find_entries(p_account_id, 0, 10000) AS e
        JOIN wallet.transactions AS t ON (e.entry).transaction_id = t.id
        WHERE (p_type IS NULL OR t.type = p_type) AND (p_status IS NULL OR t.status = p_status)
    )
    SELECT
        (SELECT count(*) FROM matching),
        (
            SELECT array_agg(p.id ORDER BY p.place DESC)
            FROM (SELECT m.* FROM matching AS m ORDER BY m.place DESC OFFSET p_skip LIMIT p_limit) AS p
        )
    INTO total, ids;
END;
$$;

COMMENT ON FUNCTION wallet.find_account_transactions(
    uuid, wallet.transaction_type, wallet.transaction_status, bigint, bigint
) IS
'The ids of a page of an account''s transactions, newest first, and how many there are; with a filter, among its newest 10,000 entries.';
