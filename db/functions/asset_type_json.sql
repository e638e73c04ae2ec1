-- An asset type as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.asset_type_json(p_asset_type wallet.asset_types)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN json_build_object(
    'id', (p_asset_type).id,
    'name', (p_asset_type).name,
    'symbol', (p_asset_type).symbol,
    'description', (p_asset_type).description,
    'decimals', (p_asset_type).decimals,
    'isActive', (p_asset_type).is_active,
    'createdAt', to_char((p_asset_type).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'updatedAt', to_char((p_asset_type).updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
);

COMMENT ON FUNCTION wallet.asset_type_json(wallet.asset_types) IS
'A row of wallet.asset_types as JSON: id, name, symbol, description, decimals, isActive, createdAt, updatedAt.';
