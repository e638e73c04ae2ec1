-- A transaction has one debit and one credit of its amount, on the accounts and versions it names.
CREATE OR REPLACE FUNCTION wallet.check_transactions()
RETURNS TABLE (transaction_id uuid, debits numeric, credits numeric, entry_count bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        t.id,
        sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT'),
        sum(e.amount) FILTER (WHERE e.entry_type = 'CREDIT'),
        count(e.transaction_id)
    FROM wallet.transactions AS t
    LEFT JOIN wallet.ledger_entries AS e ON t.id = e.transaction_id
    CROSS JOIN LATERAL (
        SELECT
            e.amount = t.amount AND e.leg = 1 AND e.entry_type = 'DEBIT'
            AND e.account_id = t.source_account_id AND e.version = t.source_version AS is_debit,
            e.amount = t.amount AND e.leg = 2 AND e.entry_type = 'CREDIT'
            AND e.account_id = t.dest_account_id AND e.version = t.dest_version AS is_credit
    ) AS l
    GROUP BY t.id
    HAVING count(*) FILTER (WHERE l.is_debit) <> 1 OR count(*) FILTER (WHERE l.is_credit) <> 1 OR count(e.transaction_id) <> 2
$$;

COMMENT ON FUNCTION wallet.check_transactions() IS
'Transactions whose legs are missing, doubled or differ from what the transaction says.';

GRANT EXECUTE ON FUNCTION wallet.check_transactions() TO wallet_service, wallet_auditor;
