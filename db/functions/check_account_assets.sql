-- What a foreign key and a CHECK hold as well; here for the day on which one was dropped.
CREATE OR REPLACE FUNCTION wallet.check_account_assets()
RETURNS TABLE (account_id uuid, asset_type_id uuid, asset_decimals smallint, decimals smallint, balance numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.asset_type_id, a.asset_decimals, y.decimals, a.balance
    FROM wallet.accounts AS a
    LEFT JOIN wallet.asset_types AS y ON a.asset_type_id = y.id
    WHERE
        a.asset_decimals IS DISTINCT FROM y.decimals
        OR a.balance <> round(a.balance, a.asset_decimals)
        OR (a.account_type = 'USER' AND a.stripe <> 0)
        OR (a.account_type <> 'USER' AND a.stripe >= y.stripe_count)
$$;

COMMENT ON FUNCTION wallet.check_account_assets() IS
'Accounts whose asset does not exist or has other decimals, whose balance has more decimals, or with a stripe they may not have.';

GRANT EXECUTE ON FUNCTION wallet.check_account_assets() TO wallet_service, wallet_auditor;
