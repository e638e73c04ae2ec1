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
DECLARE
    v_version wallet.accounts.version%TYPE := coalesce(
        (SELECT a.version FROM wallet.accounts AS a WHERE a.id = p_account_id), 0
    );
BEGIN
    IF p_type IS NULL AND p_status IS NULL THEN
        total := v_version;
        SELECT array_agg(e.transaction_id ORDER BY e.version DESC) INTO ids
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_id AND e.version > v_version - p_skip - p_limit AND e.version <= v_version - p_skip;
        RETURN;
    END IF;
    WITH matching AS MATERIALIZED (
        SELECT e.version, e.transaction_id
        FROM wallet.ledger_entries AS e
        JOIN wallet.transactions AS t ON e.transaction_id = t.id
        WHERE
            e.account_id = p_account_id AND e.version > v_version - 10000
            AND (p_type IS NULL OR t.type = p_type) AND (p_status IS NULL OR t.status = p_status)
    )
    SELECT
        (SELECT count(*) FROM matching),
        (
            SELECT array_agg(p.transaction_id ORDER BY p.version DESC)
            FROM (SELECT m.* FROM matching AS m ORDER BY m.version DESC OFFSET p_skip LIMIT p_limit) AS p
        )
    INTO total, ids;
END;
$$;

COMMENT ON FUNCTION wallet.find_account_transactions(
    uuid, wallet.transaction_type, wallet.transaction_status, bigint, bigint
) IS
'The ids of a page of an account''s transactions, newest first, and how many there are; with a filter, among its newest 10,000 entries.';
