-- The conversion account of an asset. An asset that is older than conversions has none until its first one: the migration that brought
-- them could not open any, for a value is not usable in the transaction that adds it to its enumeration.
CREATE OR REPLACE FUNCTION wallet.conversion_account_id(p_asset_type_id uuid, p_account_id uuid)
RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset wallet.asset_types;
    v_id uuid;
BEGIN
    SELECT * INTO v_asset FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id;
    v_id := wallet.stripe_account_id(p_asset_type_id, 'CONVERSION', p_account_id, v_asset.stripe_count);
    IF v_id IS NULL THEN
        INSERT INTO wallet.accounts (id, account_type, asset_type_id, asset_decimals, external_id, name, balance_min, stripe)
        SELECT
            wallet.system_account_id(p_asset_type_id, s.stripe), 'CONVERSION', v_asset.id, v_asset.decimals,
            CASE s.stripe WHEN 0 THEN 'SYSTEM_CONVERSION_' || v_asset.symbol END, left(v_asset.name || ' conversion', 255), NULL, s.stripe
        FROM generate_series(0, v_asset.stripe_count - 1) AS s (stripe)
        ON CONFLICT DO NOTHING;
        v_id := wallet.stripe_account_id(p_asset_type_id, 'CONVERSION', p_account_id, v_asset.stripe_count);
    END IF;
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION wallet.conversion_account_id(uuid, uuid) IS
'The row of an asset''s conversion account that serves the given wallet. The account''s public id is the asset''s id as a UUID of version 8.';
