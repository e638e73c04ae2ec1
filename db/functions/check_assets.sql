-- Coins stay coins: a transaction moves one asset between accounts of that asset.
CREATE OR REPLACE FUNCTION wallet.check_assets(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, asset_type_id uuid, source_asset_type_id uuid, dest_asset_type_id uuid)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.asset_type_id, s.asset_type_id, d.asset_type_id
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE t.id >= p_since_id AND (t.asset_type_id <> s.asset_type_id OR t.asset_type_id <> d.asset_type_id);
END;
$$;

COMMENT ON FUNCTION wallet.check_assets(uuid) IS
'Transactions whose accounts are of another asset. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_assets(uuid) TO wallet_service, wallet_auditor;
