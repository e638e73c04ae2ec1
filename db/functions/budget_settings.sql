-- A budget without what has been issued.
CREATE OR REPLACE FUNCTION wallet.budget_settings(p_budget wallet.budgets)
RETURNS jsonb
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE WHEN (p_budget).id IS NOT NULL THEN jsonb_build_object(
    'assetTypeId', (p_budget).asset_type_id, 'campaign', nullif((p_budget).campaign, ''),
    'amountMax', trim_scale((p_budget).amount_max),
    'validFrom', wallet.instant_json((p_budget).valid_from), 'validUntil', wallet.instant_json((p_budget).valid_until)
) END;

COMMENT ON FUNCTION wallet.budget_settings(wallet.budgets) IS
'{assetTypeId, campaign, amountMax, validFrom, validUntil}; NULL for no budget.';
