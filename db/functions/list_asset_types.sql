-- All asset types, by symbol.
CREATE OR REPLACE FUNCTION wallet.list_asset_types()
RETURNS json
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(json_agg(wallet.asset_type_json(t) ORDER BY t.symbol), '[]') FROM wallet.asset_types AS t
$$;

COMMENT ON FUNCTION wallet.list_asset_types() IS 'All asset types as a JSON array, by symbol.';

GRANT EXECUTE ON FUNCTION wallet.list_asset_types() TO wallet_service, wallet_jobs, wallet_auditor;
