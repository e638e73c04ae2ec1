-- The debits of a wallet that its running totals do not have yet.
CREATE OR REPLACE FUNCTION wallet.uncounted_debits(p_account_id uuid, p_version bigint, p_since timestamptz)
RETURNS TABLE (version bigint, created_at timestamptz, amount numeric)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT e.version, e.created_at, e.amount
    FROM wallet.ledger_entries AS e
    JOIN wallet.transactions AS t ON e.transaction_id = t.id
    WHERE
        e.account_id = p_account_id
        AND e.version > coalesce(
            p_version,
            (SELECT wallet.version_at(a.id, 0, a.version, p_since) FROM wallet.accounts AS a WHERE a.id = p_account_id)
        )
        AND e.entry_type = 'DEBIT' AND t.type <> 'REFUND';
END;
$$;

COMMENT ON FUNCTION wallet.uncounted_debits(uuid, bigint, timestamptz) IS
'The debits, but for those of refunds, after the version up to which the wallet is counted; NULL: after the instant.';
