-- The trial balance as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.list_trial_balance(p_asset_type_ids uuid[] DEFAULT NULL)
RETURNS json
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(json_agg(json_build_object(
        'assetTypeId', t.id, 'symbol', b.symbol,
        'debits', trim_scale(b.debits), 'credits', trim_scale(b.credits),
        'treasuryBalance', trim_scale(b.treasury_balance), 'revenueBalance', trim_scale(b.revenue_balance),
        'walletBalance', trim_scale(b.wallet_balance), 'conversionBalance', trim_scale(b.conversion_balance),
        'balanceSum', trim_scale(b.balance_sum)
    ) ORDER BY b.symbol), '[]')
    FROM wallet.trial_balance() AS b
    JOIN wallet.asset_types AS t ON b.symbol = t.symbol
    WHERE p_asset_type_ids IS NULL OR t.id = ANY(p_asset_type_ids)
$$;

COMMENT ON FUNCTION wallet.list_trial_balance(uuid[]) IS
'wallet.trial_balance() as a JSON array, with assetTypeId; only of the given assets unless they are NULL.';

GRANT EXECUTE ON FUNCTION wallet.list_trial_balance(uuid[]) TO wallet_service;
