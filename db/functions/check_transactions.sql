-- A transaction has the entries that it names, one debit and one credit of its amount or several that balance.
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
    WHERE t.id >= p_since_id AND t.leg_account_ids IS NULL
    GROUP BY t.id
    HAVING count(*) FILTER (WHERE l.is_debit) <> 1 OR count(*) FILTER (WHERE l.is_credit) <> 1 OR count(e.transaction_id) <> 2
    UNION ALL
    SELECT
        t.id,
        sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT'),
        sum(e.amount) FILTER (WHERE e.entry_type = 'CREDIT'),
        count(e.transaction_id)
    FROM wallet.transactions AS t
    LEFT JOIN wallet.ledger_entries AS e ON t.id = e.transaction_id AND e.transaction_id >= p_since_id
    WHERE t.id >= p_since_id AND t.leg_account_ids IS NOT NULL
    GROUP BY t.id, t.type, t.amount, t.leg_account_ids
    -- An account and a version are one entry, so as many as there are legs are all of them.
    HAVING
        count(*) FILTER (WHERE e.account_id = t.leg_account_ids[e.leg] AND e.version = t.leg_versions[e.leg])
        <> greatest(cardinality(t.leg_account_ids), 2)
        OR count(e.transaction_id) <> cardinality(t.leg_account_ids)
        OR sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT')
        IS DISTINCT FROM sum(e.amount) FILTER (WHERE e.entry_type = 'CREDIT')
        OR t.amount <> CASE t.type
            WHEN 'CONVERSION' THEN sum(e.amount) FILTER (WHERE e.leg = 1)
            ELSE sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT')
        END;
END;
$$;

COMMENT ON FUNCTION wallet.check_transactions(uuid) IS
'Transactions whose legs are missing, doubled or differ from what the transaction says. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_transactions(uuid) TO wallet_service, wallet_auditor;
