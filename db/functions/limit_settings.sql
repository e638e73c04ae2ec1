-- A spending limit without what depends on the moment.
CREATE OR REPLACE FUNCTION wallet.limit_settings(p_limit wallet.spending_limits)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN (p_limit).id IS NOT NULL THEN jsonb_build_object(
    'assetTypeId', (p_limit).asset_type_id, 'accountId', (p_limit).account_id, 'name', (p_limit).name,
    'periodSeconds', (p_limit).period_seconds, 'amountMax', trim_scale((p_limit).amount_max), 'countMax', (p_limit).count_max
) END;

COMMENT ON FUNCTION wallet.limit_settings(wallet.spending_limits) IS
'{assetTypeId, accountId, name, periodSeconds, amountMax, countMax}; NULL for no limit.';
