-- Value is issued by taking the treasury below zero. What wallets owe, below zero themselves, may have come back to it; no more.
CREATE OR REPLACE FUNCTION wallet.check_treasuries()
RETURNS TABLE (symbol text, treasury_balance numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT y.symbol, sum(a.balance)
    FROM wallet.accounts AS a
    JOIN wallet.asset_types AS y ON a.asset_type_id = y.id
    -- Both conditions: the second is that of the index.
    WHERE a.account_type = 'TREASURY' AND a.account_type <> 'USER'
    GROUP BY y.id, y.symbol
    HAVING
        sum(a.balance) > 0
        AND sum(a.balance) > (
            SELECT coalesce(-sum(o.balance), 0) FROM wallet.accounts AS o
            WHERE o.asset_type_id = y.id AND o.balance < 0 AND o.account_type <> 'TREASURY'
        )
$$;

COMMENT ON FUNCTION wallet.check_treasuries() IS
'Treasuries that are above zero by more than other accounts are below.';

GRANT EXECUTE ON FUNCTION wallet.check_treasuries() TO wallet_service, wallet_auditor;
