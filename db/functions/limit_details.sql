-- Which limit or budget refused a line, for the details of its answer.
CREATE OR REPLACE FUNCTION wallet.limit_details(p_cell wallet.limit_cell, p_available numeric, p_amount numeric, p_at timestamptz)
RETURNS jsonb
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'limit', s.name, 'limitOf', CASE WHEN s.account_id IS NULL THEN 'asset' ELSE 'account' END,
        'measure', CASE WHEN p_cell.is_count THEN 'count' ELSE 'amount' END,
        'maximum', trim_scale(CASE WHEN p_cell.is_count THEN s.count_max ELSE s.amount_max END),
        'periodSeconds', s.period_seconds, 'available', trim_scale(greatest(p_available, 0)),
        'freesAt', wallet.instant_json(wallet.limit_frees_at(s, p_cell.account_id, p_cell.is_count, p_amount, p_at))
    )
    FROM wallet.spending_limits AS s
    WHERE s.id = p_cell.rule_id AND p_cell.account_id IS NOT NULL
    UNION ALL
    SELECT jsonb_build_object(
        'campaign', nullif(b.campaign, ''), 'maximum', trim_scale(b.amount_max),
        'available', CASE WHEN p_available > '-Infinity' THEN trim_scale(greatest(p_available, 0)) ELSE 0 END,
        'validFrom', wallet.instant_json(b.valid_from), 'validUntil', wallet.instant_json(b.valid_until)
    )
    FROM wallet.budgets AS b
    WHERE b.id = p_cell.rule_id AND p_cell.account_id IS NULL
$$;

COMMENT ON FUNCTION wallet.limit_details(wallet.limit_cell, numeric, numeric, timestamptz) IS
'Fields and values. For spending_limit_exceeded: limit, limitOf, measure, maximum, periodSeconds, available, freesAt (null: never). For issuance_budget_exceeded and campaign_inactive: campaign (null: the asset''s budget), maximum, available, validFrom, validUntil.';
