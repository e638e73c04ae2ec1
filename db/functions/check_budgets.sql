-- What a budget has issued is kept as it changes; the ledger says it again.
CREATE OR REPLACE FUNCTION wallet.check_budgets()
RETURNS TABLE (budget_id uuid, campaign text, issued numeric, issued_sum numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.id, b.campaign, b.issued, s.issued_sum
    FROM wallet.budgets AS b
    JOIN LATERAL (
        SELECT coalesce(-sum(a.balance), 0) AS issued_sum
        FROM wallet.accounts AS a
        WHERE a.asset_type_id = b.asset_type_id AND a.account_type = 'TREASURY' AND a.account_type <> 'USER'
    ) AS s ON TRUE
    WHERE b.campaign = '' AND b.issued <> s.issued_sum
    UNION ALL
    SELECT b.id, b.campaign, b.issued, coalesce(s.issued_sum, 0)
    FROM wallet.budgets AS b
    LEFT JOIN (
        SELECT i.asset_type_id, i.request ->> 'campaign' AS campaign, sum(i.amount - coalesce(r.refunded, 0)) AS issued_sum
        FROM wallet.transactions AS i
        LEFT JOIN wallet.refund_totals AS r ON i.id = r.transaction_id
        WHERE i.type IN ('TOP_UP', 'BONUS') AND i.request IS NOT NULL
        GROUP BY 1, 2
    ) AS s ON b.asset_type_id = s.asset_type_id AND b.campaign = s.campaign
    WHERE b.campaign <> '' AND b.issued <> coalesce(s.issued_sum, 0)
$$;

COMMENT ON FUNCTION wallet.check_budgets() IS
'Budgets that have issued another amount than their treasury is below zero, or than the top-ups and bonuses of their campaign less what was refunded of them.';

GRANT EXECUTE ON FUNCTION wallet.check_budgets() TO wallet_service, wallet_auditor;
