-- Coins stay coins: a transaction moves one asset between accounts of that asset.
CREATE OR REPLACE FUNCTION wallet.check_assets()
RETURNS TABLE (transaction_id uuid, asset_type_id uuid, source_asset_type_id uuid, dest_asset_type_id uuid)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.id, t.asset_type_id, s.asset_type_id, d.asset_type_id
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE t.asset_type_id <> s.asset_type_id OR t.asset_type_id <> d.asset_type_id
$$;

COMMENT ON FUNCTION wallet.check_assets() IS
'Transactions whose accounts are of another asset.';

GRANT EXECUTE ON FUNCTION wallet.check_assets() TO wallet_service, wallet_auditor;
