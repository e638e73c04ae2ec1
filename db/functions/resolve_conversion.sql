-- A conversion: one asset out, another in, through the two conversion accounts. What is credited is the amount times the rate, cut to the
-- decimals of the asset that comes in; what is cut off is noted on the transaction.
CREATE OR REPLACE FUNCTION wallet.resolve_conversion(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_from record;
    v_to record;
    v_credited numeric;
BEGIN
    v_line.request := jsonb_build_object(
        'fromAccountId', p_operation.account_id, 'toAccountId', p_operation.to_account_id,
        'amount', trim_scale(p_operation.amount), 'rate', trim_scale(p_operation.rate)
    );
    SELECT a.id, a.account_type, t.id AS asset_type_id, t.decimals, t.is_active INTO v_from
    FROM wallet.accounts AS a JOIN wallet.asset_types AS t ON a.asset_type_id = t.id WHERE a.id = p_operation.account_id;
    SELECT a.id, a.account_type, t.id AS asset_type_id, t.decimals, t.is_active INTO v_to
    FROM wallet.accounts AS a JOIN wallet.asset_types AS t ON a.asset_type_id = t.id WHERE a.id = p_operation.to_account_id;
    v_line.asset_type_id := v_from.asset_type_id;
    v_line.code := CASE
        WHEN p_operation.account_id IS NULL OR p_operation.to_account_id IS NULL
            OR p_operation.rate IS NULL OR p_operation.rate <= 0 OR p_operation.rate >= 1000000000
            OR p_operation.rate <> round(p_operation.rate, 12) OR wallet.amount_refusal(p_operation.amount, 4::smallint) IS NOT NULL
            THEN 'validation_failed'
        WHEN v_from.id IS NULL OR v_to.id IS NULL THEN 'account_not_found'
        WHEN v_from.account_type <> 'USER' OR v_to.account_type <> 'USER' THEN 'not_a_wallet'
        WHEN v_from.asset_type_id = v_to.asset_type_id THEN 'asset_mismatch'
        WHEN p_operation.amount <> round(p_operation.amount, v_from.decimals) THEN 'validation_failed'
        WHEN NOT v_from.is_active OR NOT v_to.is_active THEN 'asset_inactive'
    END;
    IF v_line.code IS NOT NULL THEN
        RETURN v_line;
    END IF;
    v_credited := trunc(p_operation.amount * p_operation.rate, v_to.decimals);
    IF wallet.amount_refusal(v_credited, v_to.decimals) IS NOT NULL THEN
        v_line.code := 'conversion_out_of_range';
        RETURN v_line;
    END IF;
    v_line.request := v_line.request || jsonb_build_object(
        'credited', trim_scale(v_credited), 'remainder', trim_scale(p_operation.amount * p_operation.rate - v_credited)
    );
    v_line.leg_account_ids := ARRAY[
        v_from.id, wallet.conversion_account_id(v_from.asset_type_id, v_from.id),
        wallet.conversion_account_id(v_to.asset_type_id, v_from.id), v_to.id
    ];
    v_line.leg_amounts := ARRAY[-p_operation.amount, p_operation.amount, -v_credited, v_credited];
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_conversion(wallet.posting_line, wallet.operation) IS
'Fills in the four legs of a CONVERSION, and what is credited and cut off. Codes: validation_failed, account_not_found, not_a_wallet, asset_mismatch (one asset on both sides), asset_inactive, conversion_out_of_range (nothing or too much would be credited).';
