-- First step of wallet.post: looks up what never changes (which account is what), so no lock is needed yet, and refuses what can be
-- refused without knowing a balance. Precedence of refusals is the order of the CASE.
CREATE OR REPLACE FUNCTION wallet.resolve_requests(p_requests wallet.posting_request[])
RETURNS wallet.posting_line[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lines wallet.posting_line[];
BEGIN
    SELECT array_agg(
        ROW(
            r.ordinal, r.type, r.idempotency_key, r.account_id,
            CASE r.type WHEN 'SPEND' THEN w.id ELSE s.id END,
            CASE r.type WHEN 'SPEND' THEN s.id ELSE w.id END,
            r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata, c.code,
            CASE
                WHEN c.code <> 'validation_failed' THEN NULL
                WHEN r.type IS NULL OR r.type NOT IN ('TOP_UP', 'BONUS', 'SPEND') THEN 'type'
                WHEN r.account_id IS NULL THEN 'accountId'
                WHEN r.asset_type_id IS NULL THEN 'assetTypeId'
                WHEN jsonb_typeof(r.metadata) <> 'object' THEN 'metadata'
                ELSE 'amount'
            END
        )::wallet.posting_line
        ORDER BY r.ordinal
    )
    INTO v_lines
    FROM unnest(p_requests) WITH ORDINALITY AS r (
        type, idempotency_key, account_id, asset_type_id, amount, reference_id, description, metadata, ordinal
    )
    LEFT JOIN wallet.asset_types AS a ON r.asset_type_id = a.id
    LEFT JOIN wallet.accounts AS w ON r.account_id = w.id
    -- The one place where a system account is chosen.
    LEFT JOIN wallet.accounts AS s
        ON
            r.asset_type_id = s.asset_type_id
            AND s.account_type = CASE r.type WHEN 'SPEND' THEN 'REVENUE' ELSE 'TREASURY' END::wallet.account_type
            AND s.account_type <> 'USER'
    CROSS JOIN LATERAL (
        SELECT CASE
            -- Two cheap tests: a bounded repetition like {1,255} makes the pattern hundreds of times dearer.
            WHEN r.idempotency_key IS NULL OR length(r.idempotency_key) NOT BETWEEN 1 AND 255 OR r.idempotency_key ~ '[^!-~]'
                THEN 'idempotency_key_missing'
            WHEN r.type IS NULL OR r.type NOT IN ('TOP_UP', 'BONUS', 'SPEND') OR r.account_id IS NULL OR r.asset_type_id IS NULL
                THEN 'validation_failed'
            -- NaN and Infinity sort above the upper bound.
            WHEN r.amount IS NULL OR r.amount <= 0 OR r.amount >= 100000000000000 OR r.amount <> round(r.amount, 4)
                THEN 'validation_failed'
            WHEN jsonb_typeof(r.metadata) <> 'object' THEN 'validation_failed'
            WHEN w.id IS NULL THEN 'account_not_found'
            WHEN a.id IS NULL THEN 'asset_type_not_found'
            WHEN w.account_type <> 'USER' THEN 'not_a_wallet'
            WHEN w.asset_type_id <> a.id THEN 'asset_mismatch'
            WHEN r.amount <> round(r.amount, a.decimals) THEN 'validation_failed'
            WHEN NOT a.is_active THEN 'asset_inactive'
        END AS code
    ) AS c;
    RETURN v_lines;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_requests(wallet.posting_request []) IS
'Turns requests into posting lines: source and destination account, or the code of a refusal that needs no balance. One line per request, in order.';
