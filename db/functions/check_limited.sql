-- The refusals that spending limits and budgets have in common, in their order.
CREATE OR REPLACE FUNCTION wallet.check_limited(
    p_account_id uuid, p_account wallet.accounts, p_asset wallet.asset_types, p_problems jsonb
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_code CONSTANT text := CASE
        WHEN p_problems <> '{}' THEN 'validation_failed'
        WHEN p_account_id IS NOT NULL AND (p_account).id IS NULL THEN 'account_not_found'
        WHEN (p_asset).id IS NULL THEN 'asset_type_not_found'
        WHEN (p_account).account_type <> 'USER' THEN 'not_a_wallet'
        WHEN (p_account).asset_type_id <> (p_asset).id THEN 'asset_mismatch'
    END;
BEGIN
    IF v_code IS NOT NULL THEN
        RAISE EXCEPTION '%', wallet.refusal_error(v_code, NULL, NULL)
        USING
            ERRCODE = (SELECT r.sqlstate FROM wallet.refusals() AS r WHERE r.code = v_code),
            DETAIL = CASE v_code WHEN 'validation_failed' THEN (
                SELECT jsonb_object_agg(p.key, jsonb_build_array(p.value)) FROM jsonb_each(p_problems) AS p
            )::text ELSE '' END,
            HINT = v_code;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.check_limited(uuid, wallet.accounts, wallet.asset_types, jsonb) IS
'Raises WL001 for problems ({field: sentence}), WL003 when there is no such account, WL004 no such asset, WL009 for a system account, WL008 for an account of another asset.';
