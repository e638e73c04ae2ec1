-- A transaction has one debit and one credit of its amount, on the accounts and versions it names.
CREATE OR REPLACE FUNCTION wallet.check_transactions(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, debits numeric, credits numeric, entry_count bigint)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        t.id,
        sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT'),
        sum(e.amount) FILTER (WHERE e.entry_type = 'CREDIT'),
        count(e.transaction_id)
    FROM wallet.transactions AS t
    LEFT JOIN wallet.ledger_entries AS e ON t.id = e.transaction_id AND e.transaction_id >= p_since_id
    CROSS JOIN LATERAL (
        SELECT
            e.amount = t.amount AND e.leg = 1 AND e.entry_type = 'DEBIT'
            AND e.account_id = t.source_account_id AND e.version = t.source_version AS is_debit,
            e.amount = t.amount AND e.leg = 2 AND e.entry_type = 'CREDIT'
            AND e.account_id = t.dest_account_id AND e.version = t.dest_version AS is_credit
    ) AS l
    WHERE t.id >= p_since_id
    GROUP BY t.id
    HAVING count(*) FILTER (WHERE l.is_debit) <> 1 OR count(*) FILTER (WHERE l.is_credit) <> 1 OR count(e.transaction_id) <> 2;
END;
$$;

COMMENT ON FUNCTION wallet.check_transactions(uuid) IS
'Transactions whose legs are missing, doubled or differ from what the transaction says. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_transactions(uuid) TO wallet_service, wallet_auditor;
