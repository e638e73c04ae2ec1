-- A refund: the transaction's entries the other way round. Without an amount, all that is left of it.
CREATE OR REPLACE FUNCTION wallet.resolve_refund(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_original wallet.transactions;
    v_asset wallet.asset_types;
BEGIN
    v_line.request := jsonb_build_object(
        'transactionId', p_operation.related_id, 'amount', trim_scale(p_operation.amount),
        'onShortfall', coalesce(p_operation.on_shortfall, 'refuse')
    );
    SELECT * INTO v_original FROM wallet.transactions AS t WHERE t.id = p_operation.related_id;
    SELECT * INTO v_asset FROM wallet.asset_types AS a WHERE a.id = v_original.asset_type_id;
    v_line.asset_type_id := v_original.asset_type_id;
    v_line.source_account_id := v_original.dest_account_id;
    v_line.dest_account_id := v_original.source_account_id;
    v_line.may_owe := p_operation.on_shortfall = 'debt';
    v_line.quota_id := v_original.id;
    v_line.draw := p_operation.amount;
    v_line.code := CASE
        WHEN p_operation.related_id IS NULL OR NOT coalesce(p_operation.on_shortfall, 'refuse') IN ('refuse', 'debt')
            THEN 'validation_failed'
        WHEN v_original.id IS NULL THEN 'transaction_not_found'
        WHEN p_operation.amount IS NOT NULL AND wallet.amount_refusal(p_operation.amount, v_asset.decimals) IS NOT NULL
            THEN 'validation_failed'
        WHEN v_original.type IN ('REFUND', 'CONVERSION') THEN 'not_refundable'
        WHEN v_original.leg_account_ids IS NOT NULL AND p_operation.amount <> v_original.amount THEN 'not_refundable'
        WHEN NOT v_asset.is_active THEN 'asset_inactive'
    END;
    IF v_original.leg_account_ids IS NOT NULL THEN
        v_line.amount := v_original.amount;
        v_line.draw := v_original.amount;
        SELECT array_agg(e.account_id ORDER BY e.leg), array_agg(CASE e.entry_type WHEN 'DEBIT' THEN e.amount ELSE -e.amount END ORDER BY e.leg)
        INTO v_line.leg_account_ids, v_line.leg_amounts
        FROM unnest(v_original.leg_account_ids, v_original.leg_versions) AS l (account_id, version)
        JOIN wallet.ledger_entries AS e ON l.account_id = e.account_id AND l.version = e.version;
    END IF;
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_refund(wallet.posting_line, wallet.operation) IS
'Fills in the accounts and the quota of a REFUND. Codes: validation_failed, transaction_not_found, not_refundable (a refund, a conversion, or part of a journal), asset_inactive.';
