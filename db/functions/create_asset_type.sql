-- An asset type and its system accounts, born together.
CREATE OR REPLACE FUNCTION wallet.create_asset_type(
    p_symbol text,
    p_name text,
    p_description text DEFAULT NULL,
    p_decimals integer DEFAULT 4
)
RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset_type wallet.asset_types;
BEGIN
    v_asset_type.id := gen_random_uuid();
    v_asset_type.symbol := p_symbol;
    v_asset_type.name := p_name;
    v_asset_type.description := p_description;
    v_asset_type.decimals := p_decimals;
    v_asset_type.created_at := clock_timestamp();
    IF wallet.make_asset_type(v_asset_type, 'role:' || session_user) THEN
        RETURN v_asset_type.id;
    END IF;
    RETURN (SELECT t.id FROM wallet.asset_types AS t WHERE t.symbol = p_symbol);
END;
$$;

COMMENT ON FUNCTION wallet.create_asset_type(text, text, text, integer) IS
'Creates an asset type with its treasury, revenue and conversion accounts and gives its id; an existing symbol gives the existing id and changes nothing. Decimals 0 to 4, fixed for ever. Raises 23514 for a bad symbol, name or number of decimals.';
