-- Makes or changes the budget of an asset or of one of its campaigns. What the asset has issued is what its treasury is below zero, read
-- under the locks of all its stripes, so no posting is counted twice or not at all.
CREATE OR REPLACE FUNCTION wallet.set_budget(
    p_asset_type_id uuid,
    p_campaign text,
    p_amount_max numeric,
    p_valid_from timestamptz,
    p_valid_until timestamptz,
    p_reason text,
    p_api_key_id text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset wallet.asset_types;
    v_old wallet.budgets;
    v_new wallet.budgets;
BEGIN
    LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;
    SELECT * INTO v_asset FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id FOR NO KEY UPDATE;
    PERFORM wallet.check_limited(NULL, NULL, v_asset, jsonb_strip_nulls(jsonb_build_object(
        'campaign', CASE WHEN p_campaign IS NOT NULL THEN wallet.name_problem(p_campaign) END,
        'amountMax', wallet.maximum_problem(p_amount_max, v_asset.decimals),
        'validFrom', CASE WHEN p_campaign IS NULL AND p_valid_from IS NOT NULL THEN 'Only a campaign has one.' END,
        'validUntil', CASE
            WHEN p_campaign IS NULL AND p_valid_until IS NOT NULL THEN 'Only a campaign has one.'
            WHEN p_valid_until <= p_valid_from THEN 'Must be after validFrom.'
        END,
        'reason', CASE WHEN (length(p_reason) BETWEEN 1 AND 1000) IS NOT TRUE THEN 'Must be 1 to 1000 characters.' END
    )));
    IF p_campaign IS NULL THEN
        PERFORM wallet.hold_treasury(v_asset.id);
    END IF;
    SELECT * INTO v_old FROM wallet.budgets AS b WHERE b.asset_type_id = v_asset.id AND b.campaign = coalesce(p_campaign, '');
    INSERT INTO wallet.budgets AS b (asset_type_id, campaign, amount_max, valid_from, valid_until, issued)
    VALUES (
        v_asset.id, coalesce(p_campaign, ''), p_amount_max, p_valid_from, p_valid_until,
        CASE WHEN p_campaign IS NULL THEN (
            SELECT -sum(a.balance) FROM wallet.accounts AS a WHERE a.asset_type_id = v_asset.id AND a.account_type = 'TREASURY'
        ) ELSE 0 END
    )
    ON CONFLICT ON CONSTRAINT budgets_campaign_key DO UPDATE
    SET
        amount_max = excluded.amount_max, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
        updated_at = greatest(b.updated_at, clock_timestamp())
    RETURNING * INTO v_new;
    PERFORM wallet.record_change(
        'BUDGET', v_new.id, v_asset.id, wallet.budget_settings(v_old), wallet.budget_settings(v_new),
        coalesce('key:' || p_api_key_id, 'role:' || session_user), p_reason, v_new.updated_at
    );
    PERFORM wallet.mark_limited(v_asset.id);
    RETURN wallet.budget_json(v_new);
END;
$$;

COMMENT ON FUNCTION wallet.set_budget(uuid, text, numeric, timestamptz, timestamptz, text, text) IS
'Sets how much of an asset may be issued: by the campaign of this name, between p_valid_from and p_valid_until (NULL: no bound), or (p_campaign NULL) in all, counted from the asset''s birth. p_amount_max NULL: any. Gives the budget as JSON. The change is kept in wallet.changes with its reason, and in the name of p_api_key_id or, NULL, the login. Raises WL001, WL004.';

GRANT EXECUTE ON FUNCTION wallet.set_budget(uuid, text, numeric, timestamptz, timestamptz, text, text) TO wallet_service;
