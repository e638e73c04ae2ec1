-- The end of a hold: a capture moves the amount, or part of it, to where the hold says, a void moves nothing; both free all of it.
CREATE OR REPLACE FUNCTION wallet.resolve_hold_end(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_hold wallet.holds;
    v_decimals smallint;
BEGIN
    v_line.request := jsonb_build_object('holdId', p_operation.related_id);
    IF p_operation.type = 'CAPTURE' THEN
        v_line.request := v_line.request || jsonb_build_object('amount', trim_scale(p_operation.amount));
    END IF;
    SELECT * INTO v_hold FROM wallet.holds AS h WHERE h.id = p_operation.related_id;
    SELECT a.decimals INTO v_decimals FROM wallet.asset_types AS a WHERE a.id = v_hold.asset_type_id;
    v_line.code := CASE
        WHEN p_operation.related_id IS NULL THEN 'validation_failed'
        WHEN v_hold.id IS NULL THEN 'hold_not_found'
        WHEN p_operation.type = 'VOID' THEN NULL
        WHEN wallet.amount_refusal(coalesce(p_operation.amount, v_hold.amount), v_decimals) IS NOT NULL THEN 'validation_failed'
        WHEN p_operation.amount > v_hold.amount THEN 'capture_exceeds_hold'
    END;
    v_line.account_id := v_hold.account_id;
    v_line.asset_type_id := v_hold.asset_type_id;
    v_line.amount := coalesce(p_operation.amount, v_hold.amount);
    v_line.source_account_id := v_hold.account_id;
    v_line.dest_account_id := v_hold.dest_account_id;
    v_line.reserve := v_hold.amount;
    v_line.quota_id := v_hold.id;
    v_line.draw := 1;
    IF p_operation.type = 'VOID' THEN
        v_line.leg_account_ids := '{}';
    END IF;
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_hold_end(wallet.posting_line, wallet.operation) IS
'Fills in the accounts, what is freed and the one use of the hold of a CAPTURE or VOID. Codes: validation_failed, hold_not_found, capture_exceeds_hold. A capture is allowed when the asset has been switched off since: the amount was promised before.';
