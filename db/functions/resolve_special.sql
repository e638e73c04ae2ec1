-- The line of an operation that is more than two accounts and an amount. Each kind has a routine that fills in its part.
CREATE OR REPLACE FUNCTION wallet.resolve_special(p_ordinal integer, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line;
BEGIN
    v_line.ordinal := p_ordinal;
    v_line.type := p_operation.type;
    v_line.idempotency_key := p_operation.idempotency_key;
    v_line.account_id := p_operation.account_id;
    v_line.asset_type_id := p_operation.asset_type_id;
    v_line.amount := p_operation.amount;
    v_line.reference_id := p_operation.reference_id;
    v_line.description := p_operation.description;
    v_line.metadata := p_operation.metadata;
    v_line.related_id := p_operation.related_id;
    v_line.code := wallet.form_refusal(
        p_operation.idempotency_key, greatest(length(p_operation.reference_id), length(p_operation.description)), p_operation.metadata
    );
    IF v_line.code IS NULL THEN
        v_line := CASE CASE WHEN p_operation.campaign IS NOT NULL THEN 'CAMPAIGN' ELSE p_operation.type END
            WHEN 'CAMPAIGN' THEN wallet.resolve_campaign(v_line, p_operation)
            WHEN 'REFUND' THEN wallet.resolve_refund(v_line, p_operation)
            WHEN 'HOLD' THEN wallet.resolve_hold(v_line, p_operation)
            WHEN 'JOURNAL' THEN wallet.resolve_journal(v_line, p_operation)
            WHEN 'CONVERSION' THEN wallet.resolve_conversion(v_line, p_operation)
            ELSE wallet.resolve_hold_end(v_line, p_operation)
        END;
    ELSE
        -- What else is to blame is told with it.
        v_line.request := jsonb_strip_nulls(jsonb_build_object(
            'transactionId', p_operation.related_id, 'holdId', p_operation.related_id, 'toAccountId', p_operation.to_account_id,
            'entries', p_operation.entries, 'rate', p_operation.rate, 'onShortfall', p_operation.on_shortfall,
            'campaign', p_operation.campaign
        ));
    END IF;
    v_line.stripe := coalesce((
        SELECT (uuid_hash(coalesce(v_line.account_id, v_line.related_id)) & 2147483647) % a.stripe_count
        FROM wallet.asset_types AS a WHERE a.id = v_line.asset_type_id
    ), 0);
    v_line.request := jsonb_build_object(
        'referenceId', p_operation.reference_id, 'metadata', p_operation.metadata,
        CASE p_operation.type WHEN 'REFUND' THEN 'reason' ELSE 'description' END, p_operation.description
    ) || coalesce(v_line.request, '{}');
    IF v_line.code IS NOT NULL THEN
        v_line.leg_account_ids := NULL;
        v_line.reserve := NULL;
        v_line.quota_id := NULL;
    END IF;
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_special(integer, wallet.operation) IS
'The posting line of a REFUND, HOLD, CAPTURE, VOID, JOURNAL or CONVERSION, or of a posting for a campaign, with its request for the comparison of replays.';
