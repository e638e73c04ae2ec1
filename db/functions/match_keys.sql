-- What is known under the keys of these lines: the transaction, and the fields in which the line differs from the first request.
-- The transaction's own row is the fingerprint of its request, so the comparison is exact and can name the fields.
-- One row per line, in order, so that the caller can lay it beside its arrays without a join.
CREATE OR REPLACE FUNCTION wallet.match_keys(
    p_lines wallet.posting_line[],
    p_codes text[],
    p_transaction_ids uuid[]
)
RETURNS TABLE (is_known boolean, known_id uuid, differences jsonb)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_other CONSTANT jsonb := '["Differs from the first request with this idempotency key."]';
    -- What each line posted, zero where it posted nothing. No NULLs: array_position would find them.
    v_posted_ids CONSTANT uuid[] := ARRAY(
        SELECT CASE WHEN i.code IS NULL THEN i.id ELSE '00000000-0000-0000-0000-000000000000' END
        FROM unnest(p_transaction_ids, p_codes) WITH ORDINALITY AS i (id, code, ordinal)
        ORDER BY i.ordinal
    );
BEGIN
    RETURN QUERY
    SELECT
        k.key IS NOT NULL,
        k.transaction_id,
        CASE
            WHEN k.key IS NULL THEN NULL
            WHEN o.type IS NULL THEN jsonb_build_object('endpoint', v_other)
            WHEN o.type <> l.type AND num_nonnulls(o.request, l.request) > 0 THEN jsonb_build_object('type', v_other)
            WHEN o.request IS NOT NULL AND o.type NOT IN ('TOP_UP', 'BONUS') THEN wallet.request_differences(o.request, l.request)
            ELSE jsonb_strip_nulls(jsonb_build_object(
                'type', CASE WHEN o.type <> l.type THEN v_other END,
                CASE l.type WHEN 'TRANSFER' THEN 'fromAccountId' ELSE 'accountId' END,
                CASE WHEN l.account_id <> CASE WHEN t.type::text IN ('SPEND', 'TRANSFER')
                    THEN t.source_account_id ELSE t.dest_account_id END THEN v_other END,
                'campaign', CASE WHEN o.request ->> 'campaign' IS DISTINCT FROM l.request ->> 'campaign' THEN v_other END,
                'toAccountId', CASE WHEN l.type = 'TRANSFER' AND l.dest_account_id <> t.dest_account_id THEN v_other END,
                'assetTypeId', CASE WHEN t.asset_type_id <> l.asset_type_id THEN v_other END,
                'amount', CASE WHEN t.amount <> l.amount THEN v_other END,
                'referenceId', CASE WHEN t.reference_id IS DISTINCT FROM l.reference_id THEN v_other END,
                'description', CASE WHEN t.description IS DISTINCT FROM l.description THEN v_other END,
                'metadata', CASE WHEN t.metadata IS DISTINCT FROM l.metadata THEN v_other END
            ))
        END
    FROM unnest(p_lines, p_codes) AS l (
        ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
        description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
        may_owe, settled_code
    )
    LEFT JOIN wallet.idempotency_keys AS k
        ON
            k.key = l.idempotency_key
            -- Only what the lines' own form or the settling refused is certain not to be a replay.
            AND l.settled_code NOT IN ('validation_failed', 'idempotency_key_missing')
            AND (l.code IS NOT NULL OR l.settled_code = 'idempotency_key_known')
            -- What a later line of this batch posted was not known yet when this line's turn came.
            AND array_position(v_posted_ids[l.ordinal:], k.transaction_id) IS NULL
    LEFT JOIN wallet.transactions AS t ON t.id = k.transaction_id
    LEFT JOIN LATERAL (
        SELECT t.type::text AS type, t.request WHERE t.id IS NOT NULL
        UNION ALL
        SELECT CASE h.id WHEN k.transaction_id THEN 'HOLD' ELSE 'VOID' END, CASE h.id WHEN k.transaction_id THEN h.request ELSE h.void_request END
        FROM wallet.hold_of(k.transaction_id) AS h
        WHERE t.id IS NULL AND h.id IS NOT NULL
    ) AS o ON TRUE
    ORDER BY l.ordinal;
END;
$$;

COMMENT ON FUNCTION wallet.match_keys(wallet.posting_line[], text[], uuid[]) IS
'Per line, in order: whether its key is known, the transaction the key made (NULL: it made something else), and the differing fields as {field: [sentence]}, empty for the same request.';
