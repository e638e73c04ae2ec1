-- A top-up or bonus for a campaign: as without one, and a budget that must have the name.
CREATE OR REPLACE FUNCTION wallet.resolve_campaign(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_asset wallet.asset_types;
    v_account wallet.accounts;
BEGIN
    v_line.request := jsonb_build_object('campaign', p_operation.campaign);
    -- Nothing but what is issued belongs to a campaign, and none has an empty name.
    IF p_operation.type IS NULL OR p_operation.type NOT IN ('TOP_UP', 'BONUS') OR p_operation.campaign = '' THEN
        v_line.code := 'validation_failed';
        RETURN v_line;
    END IF;
    SELECT * INTO v_asset FROM wallet.asset_types AS a WHERE a.id = p_operation.asset_type_id;
    SELECT * INTO v_account FROM wallet.accounts AS a WHERE a.id = p_operation.account_id;
    v_line.source_account_id := wallet.stripe_account_id(v_asset.id, 'TREASURY', p_operation.account_id, v_asset.stripe_count);
    v_line.dest_account_id := v_account.id;
    v_line.code := coalesce(
        wallet.request_refusal(
            p_operation.type, p_operation.account_id, p_operation.asset_type_id, p_operation.amount, v_account.account_type,
            v_account.asset_type_id, v_asset.decimals, v_asset.is_active, NULL, NULL, NULL
        ),
        CASE WHEN NOT EXISTS (
            SELECT FROM wallet.budgets AS b WHERE b.asset_type_id = v_asset.id AND b.campaign = p_operation.campaign
        ) THEN 'campaign_not_found' END
    );
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_campaign(wallet.posting_line, wallet.operation) IS
'Fills in the accounts of a TOP_UP or BONUS that names a campaign. Codes: those of wallet.request_refusal, validation_failed for another type, campaign_not_found.';
