-- Spending limits rest on running totals of debits; the entries say them again.
CREATE OR REPLACE FUNCTION wallet.check_debit_totals()
RETURNS TABLE (account_id uuid, at timestamptz, amount numeric, debit_sum numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.account_id, d.at, d.amount - d.amount_before, s.debit_sum
    FROM (
        SELECT
            k.*, lag(k.version) OVER history AS version_before, lag(k.amount) OVER history AS amount_before,
            lag(k.debit_count) OVER history AS count_before
        FROM wallet.debit_totals AS k
        WINDOW history AS (PARTITION BY k.account_id ORDER BY k.at)
    ) AS d
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(e.amount), 0) AS debit_sum, count(*) AS debit_count
        FROM wallet.ledger_entries AS e
        JOIN wallet.transactions AS t ON e.transaction_id = t.id
        WHERE
            e.account_id = d.account_id AND e.version > d.version_before AND e.version <= d.version
            AND e.entry_type = 'DEBIT' AND t.type::text <> 'REFUND'
    ) AS s
    WHERE
        d.version_before IS NOT NULL
        AND (
            d.version < d.version_before OR d.amount - d.amount_before <> s.debit_sum OR d.debit_count - d.count_before <> s.debit_count
        )
    UNION ALL
    SELECT d.account_id, d.at, d.amount, NULL
    FROM wallet.debit_totals AS d
    LEFT JOIN wallet.accounts AS a ON d.account_id = a.id
    WHERE (d.version <= a.version) IS NOT TRUE
$$;

COMMENT ON FUNCTION wallet.check_debit_totals() IS
'Running totals of debits that differ from the one before by another sum or number than the debits in between, and those of entries that do not exist.';

GRANT EXECUTE ON FUNCTION wallet.check_debit_totals() TO wallet_service, wallet_auditor;
