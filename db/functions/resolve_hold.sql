-- A hold: reserves an amount on a wallet for the revenue account, or for another wallet of the asset.
CREATE OR REPLACE FUNCTION wallet.resolve_hold(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_asset wallet.asset_types;
    v_account wallet.accounts;
    v_to_account wallet.accounts;
    v_now timestamptz;
BEGIN
    v_line.request := jsonb_build_object(
        'accountId', p_operation.account_id, 'assetTypeId', p_operation.asset_type_id, 'amount', trim_scale(p_operation.amount),
        'toAccountId', p_operation.to_account_id, 'expiresAt', wallet.instant_json(p_operation.expires_at)
    );
    SELECT * INTO v_asset FROM wallet.asset_types AS a WHERE a.id = p_operation.asset_type_id;
    SELECT * INTO v_account FROM wallet.accounts AS a WHERE a.id = p_operation.account_id;
    SELECT * INTO v_to_account FROM wallet.accounts AS a WHERE a.id = p_operation.to_account_id;
    -- The instant of the posting will not be before the account's last one, whatever the clock says.
    v_now := greatest(clock_timestamp(), v_account.updated_at);
    v_line.code := coalesce(
        wallet.request_refusal(
            'HOLD', p_operation.account_id, p_operation.asset_type_id, p_operation.amount, v_account.account_type,
            v_account.asset_type_id, v_asset.decimals, v_asset.is_active,
            p_operation.to_account_id, v_to_account.account_type, v_to_account.asset_type_id
        ),
        CASE WHEN p_operation.expires_at NOT BETWEEN v_now + interval '1 microsecond' AND v_now + interval '366 days'
            THEN 'expiry_out_of_range' END
    );
    v_line.expires_at := coalesce(p_operation.expires_at, v_now + interval '7 days');
    v_line.source_account_id := v_account.id;
    v_line.dest_account_id := coalesce(
        v_to_account.id, wallet.stripe_account_id(v_asset.id, 'REVENUE', p_operation.account_id, v_asset.stripe_count)
    );
    v_line.leg_account_ids := '{}';
    v_line.reserve := -p_operation.amount;
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_hold(wallet.posting_line, wallet.operation) IS
'Fills in the accounts, the amount to reserve and the end (7 days from now unless told) of a HOLD. Codes: those of wallet.request_refusal, expiry_out_of_range.';
