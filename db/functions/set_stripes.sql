-- Keeps an asset's system accounts in more rows. Safe while postings run: the new rows are there before anything chooses them.
CREATE OR REPLACE FUNCTION wallet.set_stripes(p_symbol text, p_stripe_count integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset wallet.asset_types;
BEGIN
    SELECT * INTO v_asset FROM wallet.asset_types AS t WHERE t.symbol = p_symbol FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    IF p_stripe_count IS NULL OR p_stripe_count NOT BETWEEN v_asset.stripe_count AND 256 THEN
        RAISE EXCEPTION 'Validation failed'
        USING
            ERRCODE = 'WL001',
            DETAIL = format('{"stripeCount": ["Must be %s, as now, to 256."]}', v_asset.stripe_count);
    END IF;
    INSERT INTO wallet.accounts (id, account_type, asset_type_id, asset_decimals, name, balance_min, stripe)
    SELECT wallet.system_account_id(a.id, s.stripe), a.account_type, a.asset_type_id, a.asset_decimals, a.name, a.balance_min, s.stripe
    FROM wallet.accounts AS a
    CROSS JOIN generate_series(v_asset.stripe_count::integer, p_stripe_count - 1) AS s (stripe)
    WHERE a.asset_type_id = v_asset.id AND a.account_type <> 'USER' AND a.stripe = 0;
    UPDATE wallet.asset_types SET stripe_count = p_stripe_count, updated_at = clock_timestamp() WHERE id = v_asset.id;
END;
$$;

COMMENT ON FUNCTION wallet.set_stripes(text, integer) IS
'Sets in how many stripes (rows) the asset''s system accounts are kept, 1 to 256; the number can only grow. Raises WL004 for an unknown symbol, WL001 for another number.';
