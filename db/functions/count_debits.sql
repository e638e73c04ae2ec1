-- Brings the running totals of wallets up to their newest entries. The caller has the accounts' locks.
CREATE OR REPLACE FUNCTION wallet.count_debits(p_account_ids uuid[], p_at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO wallet.debit_totals AS d (account_id, at, version, debit_count, amount)
    SELECT
        a.id, u.created_at, CASE u.created_at WHEN p_at THEN a.version ELSE max(u.version) END,
        coalesce(n.debit_count, 0) + (sum(count(u.amount)) OVER totals)::bigint,
        coalesce(n.amount, 0) + coalesce(sum(sum(u.amount)) OVER totals, 0)
    FROM wallet.accounts AS a
    LEFT JOIN LATERAL (
        SELECT b.* FROM wallet.debit_totals AS b WHERE b.account_id = a.id ORDER BY b.at DESC LIMIT 1
    ) AS n ON TRUE
    CROSS JOIN LATERAL (
        SELECT * FROM wallet.uncounted_debits(a.id, n.version, p_at - interval '366 days')
        UNION ALL
        -- A row up to the account's version in any case, so that no entry is looked at twice.
        SELECT NULL, p_at, NULL
    ) AS u
    WHERE a.id = ANY(p_account_ids)
    GROUP BY a.id, a.version, u.created_at, n.debit_count, n.amount
    WINDOW totals AS (PARTITION BY a.id ORDER BY u.created_at)
    ON CONFLICT ON CONSTRAINT debit_totals_pkey
    DO UPDATE SET version = excluded.version, debit_count = excluded.debit_count, amount = excluded.amount;
END;
$$;

COMMENT ON FUNCTION wallet.count_debits(uuid[], timestamptz) IS
'Adds a row per wallet and instant of debits that are not counted yet, and one at p_at, the instant of the newest entry or later.';
