-- The trial balance: what was issued, what came back, what the wallets hold, per asset.
CREATE OR REPLACE FUNCTION wallet.trial_balance()
RETURNS TABLE (
    symbol text, debits numeric, credits numeric, treasury_balance numeric, revenue_balance numeric, wallet_balance numeric,
    conversion_balance numeric, balance_sum numeric
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        t.symbol,
        coalesce(e.debits, 0),
        coalesce(e.credits, 0),
        coalesce(b.treasury_balance, 0),
        coalesce(b.revenue_balance, 0),
        coalesce(b.wallet_balance, 0),
        coalesce(b.conversion_balance, 0.0000),
        coalesce(b.balance_sum, 0)
    FROM wallet.asset_types AS t
    LEFT JOIN (
        SELECT
            a.asset_type_id,
            sum(a.balance) FILTER (WHERE a.account_type = 'TREASURY') AS treasury_balance,
            sum(a.balance) FILTER (WHERE a.account_type = 'REVENUE') AS revenue_balance,
            sum(a.balance) FILTER (WHERE a.account_type = 'USER') AS wallet_balance,
            sum(a.balance) FILTER (WHERE a.account_type::text = 'CONVERSION') AS conversion_balance,
            sum(a.balance) AS balance_sum
        FROM wallet.accounts AS a
        GROUP BY a.asset_type_id
    ) AS b ON t.id = b.asset_type_id
    LEFT JOIN (
        SELECT
            a.asset_type_id,
            sum(l.amount) FILTER (WHERE l.entry_type = 'DEBIT') AS debits,
            sum(l.amount) FILTER (WHERE l.entry_type = 'CREDIT') AS credits
        FROM wallet.ledger_entries AS l
        JOIN wallet.accounts AS a ON l.account_id = a.id
        GROUP BY a.asset_type_id
    ) AS e ON t.id = e.asset_type_id
    ORDER BY t.symbol
$$;

COMMENT ON FUNCTION wallet.trial_balance() IS
'Per asset: sums of debits and of credits over all entries (equal), and the balances of treasury, revenue, wallets and conversion account (balance_sum is zero).';

GRANT EXECUTE ON FUNCTION wallet.trial_balance() TO wallet_service, wallet_auditor;
