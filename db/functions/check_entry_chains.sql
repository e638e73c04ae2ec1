-- Each entry starts from the balance the one before it left.
CREATE OR REPLACE FUNCTION wallet.check_entry_chains(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (account_id uuid, version bigint, expected numeric, balance_after numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.account_id, c.version, c.expected, c.balance_after
    FROM (
        SELECT
            e.account_id,
            e.version,
            e.balance_after,
            coalesce(p.balance_after, 0) + CASE e.entry_type WHEN 'CREDIT' THEN e.amount ELSE -e.amount END AS expected
        FROM wallet.ledger_entries AS e
        LEFT JOIN wallet.ledger_entries AS p ON e.account_id = p.account_id AND e.version - 1 = p.version
        WHERE e.transaction_id >= p_since_id
    ) AS c
    WHERE c.balance_after <> c.expected;
END;
$$;

COMMENT ON FUNCTION wallet.check_entry_chains(uuid) IS
'Entries whose balance_after does not follow from the entry before. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_entry_chains(uuid) TO wallet_service, wallet_auditor;
