-- An asset type and its two system accounts, born together.
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
    v_id uuid;
BEGIN
    INSERT INTO wallet.asset_types (symbol, name, description, decimals)
    VALUES (p_symbol, p_name, p_description, p_decimals)
    ON CONFLICT ON CONSTRAINT asset_types_symbol_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN (SELECT t.id FROM wallet.asset_types AS t WHERE t.symbol = p_symbol);
    END IF;
    INSERT INTO wallet.accounts (id, account_type, asset_type_id, asset_decimals, external_id, name, balance_min)
    VALUES
    (
        wallet.system_account_id(gen_random_uuid(), 0), 'TREASURY', v_id, p_decimals,
        'SYSTEM_TREASURY_' || p_symbol, p_name || ' treasury', NULL
    ),
    (
        wallet.system_account_id(gen_random_uuid(), 0), 'REVENUE', v_id, p_decimals,
        'SYSTEM_REVENUE_' || p_symbol, p_name || ' revenue', 0
    );
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION wallet.create_asset_type(text, text, text, integer) IS
'Creates an asset type with its treasury and revenue accounts and gives its id; an existing symbol gives the existing id and changes nothing. Decimals 0 to 4, fixed for ever. Raises 23514 for a bad symbol, name or number of decimals.';
