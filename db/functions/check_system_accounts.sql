-- Postings need both system accounts of the asset.
CREATE OR REPLACE FUNCTION wallet.check_system_accounts()
RETURNS TABLE (symbol text, treasury_count bigint, revenue_count bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        t.symbol,
        count(*) FILTER (WHERE a.account_type = 'TREASURY'),
        count(*) FILTER (WHERE a.account_type = 'REVENUE')
    FROM wallet.asset_types AS t
    LEFT JOIN wallet.accounts AS a ON t.id = a.asset_type_id AND a.account_type <> 'USER'
    GROUP BY t.symbol
    HAVING count(*) FILTER (WHERE a.account_type = 'TREASURY') <> 1 OR count(*) FILTER (WHERE a.account_type = 'REVENUE') <> 1
$$;

COMMENT ON FUNCTION wallet.check_system_accounts() IS
'Asset types without exactly one treasury and one revenue account.';

GRANT EXECUTE ON FUNCTION wallet.check_system_accounts() TO wallet_service, wallet_auditor;
