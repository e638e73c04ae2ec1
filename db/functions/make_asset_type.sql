-- The rows of a new asset type: itself, its treasury, revenue and conversion accounts, and the first line of its history.
CREATE OR REPLACE FUNCTION wallet.make_asset_type(p_asset_type wallet.asset_types, p_created_by text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO wallet.asset_types (id, symbol, name, description, decimals, created_at, updated_at)
    VALUES (
        p_asset_type.id, p_asset_type.symbol, p_asset_type.name, p_asset_type.description, p_asset_type.decimals,
        p_asset_type.created_at, p_asset_type.created_at
    )
    ON CONFLICT ON CONSTRAINT asset_types_symbol_key DO NOTHING;
    IF NOT FOUND THEN
        RETURN FALSE;
    END IF;
    INSERT INTO wallet.accounts (id, account_type, asset_type_id, asset_decimals, external_id, name, balance_min)
    VALUES
    (
        wallet.system_account_id(gen_random_uuid(), 0), 'TREASURY', p_asset_type.id, p_asset_type.decimals,
        'SYSTEM_TREASURY_' || p_asset_type.symbol, left(p_asset_type.name || ' treasury', 255), NULL
    ),
    (
        wallet.system_account_id(gen_random_uuid(), 0), 'REVENUE', p_asset_type.id, p_asset_type.decimals,
        'SYSTEM_REVENUE_' || p_asset_type.symbol, left(p_asset_type.name || ' revenue', 255), 0
    );
    PERFORM wallet.conversion_account_id(p_asset_type.id, p_asset_type.id);
    PERFORM wallet.record_change(
        'ASSET_TYPE', p_asset_type.id, p_asset_type.id, NULL,
        jsonb_build_object(
            'symbol', p_asset_type.symbol, 'name', p_asset_type.name, 'description', p_asset_type.description,
            'decimals', p_asset_type.decimals, 'isActive', TRUE
        ),
        p_created_by, NULL, p_asset_type.created_at
    );
    RETURN TRUE;
END;
$$;

COMMENT ON FUNCTION wallet.make_asset_type(wallet.asset_types, text) IS
'Inserts an asset type (id, symbol, name, description, decimals, created_at) with its system accounts. False, and nothing is written, when the symbol is taken.';
