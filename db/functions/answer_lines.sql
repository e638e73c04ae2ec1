-- Last step of wallet.post: one answer per line. A known key goes before the refusals that depend on the state of the world, so that
-- a replay is answered as the first time even when the asset has been switched off since.
CREATE OR REPLACE FUNCTION wallet.answer_lines(
    p_lines wallet.posting_line[],
    p_codes text[],
    p_transaction_ids uuid[],
    p_available numeric[],
    p_refused_legs integer[],
    p_leg_amounts numeric[],
    p_limit_details jsonb[]
)
RETURNS SETOF wallet.posting_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_leg_amounts numeric[];
BEGIN
    IF array_remove(p_codes, NULL) = '{}' THEN
        RETURN QUERY
        SELECT i.ordinal::integer, 'POSTED', i.id, NULL::text, NULL::text, NULL::jsonb
        FROM unnest(p_transaction_ids) WITH ORDINALITY AS i (id, ordinal);
        RETURN;
    END IF;
    -- A variable's array is taken apart once, a parameter's each time an element is asked for.
    v_leg_amounts := p_leg_amounts;
    RETURN QUERY
    SELECT
        l.ordinal,
        CASE WHEN o.code IS NOT NULL THEN 'REFUSED' WHEN l.is_known THEN 'REPLAYED' ELSE 'POSTED' END,
        CASE WHEN o.code IS NOT NULL THEN NULL WHEN l.is_known THEN l.known_id ELSE l.settled_id END,
        o.code,
        wallet.refusal_error(o.code, l.available, abs(v_leg_amounts[l.refused_leg]), l.limit_details),
        CASE o.code
            WHEN 'idempotency_key_reused' THEN l.differences
            WHEN 'validation_failed' THEN wallet.line_problems(
                l.type, l.account_id, l.dest_account_id, l.asset_type_id, l.reference_id, l.description, l.metadata, l.request
            )
            ELSE CASE WHEN o.code = l.settled_code THEN (
                SELECT jsonb_object_agg(d.key, jsonb_build_array(d.value #>> '{}')) FROM jsonb_each(l.limit_details) AS d
                WHERE d.value <> 'null'
            ) END
        END
    FROM ROWS FROM (
        unnest(p_lines), unnest(p_codes), unnest(p_transaction_ids), unnest(p_available), unnest(p_refused_legs),
        unnest(p_limit_details),
        wallet.match_keys(p_lines, p_codes, p_transaction_ids)
    ) AS l (
        ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
        description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
        may_owe, settled_code, settled_id, available, refused_leg, limit_details, is_known, known_id, differences
    )
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN l.differences = '{}' THEN NULL
            WHEN l.is_known THEN 'idempotency_key_reused'
            ELSE l.settled_code
        END AS code
    ) AS o
    ORDER BY l.ordinal;
END;
$$;

COMMENT ON FUNCTION wallet.answer_lines(
    wallet.posting_line[], text[], uuid[], numeric[], integer[], numeric[], jsonb[]
) IS
'The answers of wallet.post, from the lines and what was settled.';
