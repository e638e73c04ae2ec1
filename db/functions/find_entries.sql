-- A page of an account's entries, newest first: a range of versions, and for an account in stripes one range per stripe, merged.
CREATE OR REPLACE FUNCTION wallet.find_entries(p_account_id uuid, p_skip bigint, p_limit bigint)
RETURNS TABLE (entry wallet.ledger_entries, place bigint, balance_after numeric)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_account_ids uuid[];
    v_versions bigint[];
    v_rank bigint;
    v_count bigint;
    v_cuts bigint[];
    v_balance numeric;
BEGIN
    SELECT array_agg(a.id), array_agg(a.version), greatest(sum(a.version) - p_skip - p_limit, 0), sum(a.version) - p_skip
    INTO v_account_ids, v_versions, v_rank, v_count
    FROM wallet.stripes_of(p_account_id) AS a;
    v_count := v_count - v_rank;
    IF v_count <= 0 THEN
        RETURN;
    END IF;
    IF cardinality(v_account_ids) = 1 THEN
        RETURN QUERY
        SELECT e, e.version, e.balance_after
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_id AND e.version > v_rank AND e.version <= v_rank + v_count
        ORDER BY e.version DESC;
        RETURN;
    END IF;
    v_cuts := wallet.cut_stripes(v_account_ids, v_versions, v_rank);
    SELECT coalesce(sum(e.balance_after), 0) INTO v_balance
    FROM unnest(v_account_ids, v_cuts) AS c (id, version)
    JOIN wallet.ledger_entries AS e ON e.account_id = c.id AND e.version = c.version;
    RETURN QUERY
    SELECT
        m.entry,
        v_rank + m.row_number,
        v_balance + sum(CASE (m.entry).entry_type WHEN 'CREDIT' THEN (m.entry).amount ELSE -(m.entry).amount END)
            OVER (ORDER BY m.row_number)
    FROM (
        SELECT e AS entry, row_number() OVER (ORDER BY e.created_at, e.account_id, e.version) AS row_number
        FROM unnest(v_account_ids, v_cuts) AS c (id, version)
        JOIN wallet.ledger_entries AS e ON e.account_id = c.id AND e.version > c.version AND e.version <= c.version + v_count
    ) AS m
    WHERE m.row_number <= v_count
    ORDER BY m.row_number DESC;
END;
$$;

COMMENT ON FUNCTION wallet.find_entries(uuid, bigint, bigint) IS
'The entries of an account after the p_skip newest, at most p_limit, newest first: each with its place in the account''s history (1 is the oldest) and the account''s balance after it. Raises WL003 when there is no such account.';
