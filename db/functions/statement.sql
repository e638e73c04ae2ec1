-- An account's statement, for psql: the balance it begins with, its entries, the balance it ends with.
CREATE OR REPLACE FUNCTION wallet.statement(p_account_id uuid, p_from timestamptz DEFAULT NULL, p_to timestamptz DEFAULT NULL)
RETURNS TABLE (
    record text,
    version bigint,
    created_at timestamptz,
    entry_id uuid,
    transaction_id uuid,
    type wallet.transaction_type,
    debit numeric,
    credit numeric,
    balance numeric,
    reference_id text,
    description text,
    counterparty_account_ids uuid[]
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_ends CONSTANT record := wallet.statement_ends(p_account_id, p_from, p_to, NULL);
BEGIN
    record := 'OPENING';
    version := (SELECT sum(l.version) FROM unnest(v_ends.lows) AS l (version));
    created_at := v_ends.from_at;
    balance := v_ends.opening;
    RETURN NEXT;
    RETURN QUERY
    SELECT
        'ENTRY', l.place, (l.entry).created_at, l.entry_id, (l.entry).transaction_id, l.type,
        CASE (l.entry).entry_type WHEN 'DEBIT' THEN (l.entry).amount END,
        CASE (l.entry).entry_type WHEN 'CREDIT' THEN (l.entry).amount END,
        l.balance_after, l.reference_id, l.description, l.counterparty_account_ids
    FROM wallet.statement_lines(v_ends.account_ids, v_ends.lows, v_ends.highs, v_ends.opening) AS l;
    record := 'CLOSING';
    version := (SELECT sum(h.version) FROM unnest(v_ends.highs) AS h (version));
    created_at := v_ends.to_at;
    balance := v_ends.closing;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION wallet.statement(uuid, timestamptz, timestamptz) IS
'The statement of an account over the entries after p_from (NULL: from the beginning) and up to p_to (NULL, or in the future: now), oldest first. record is OPENING (balance and version at p_from), ENTRY, or CLOSING (at p_to); opening balance plus credits less debits is the closing balance. Raises WL001 when p_from is after p_to, WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.statement(uuid, timestamptz, timestamptz) TO wallet_service, wallet_jobs, wallet_auditor;
