-- wallet.post_operations for the HTTP service: requests come as one JSON array, answers leave as JSON text that is passed on as it is. The service
-- is the one that checks API keys, and so the only one that may name one.
CREATE OR REPLACE FUNCTION wallet.post_json(p_requests json)
RETURNS TABLE (outcome text, code text, answer json)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_bitmapscan = off
SET enable_material = off
AS $$
DECLARE
    v_operations wallet.operation[];
    v_posted_by text[];
    v_answers wallet.posting_answer[];
BEGIN
    SELECT
        array_agg(ROW(
            r.type, r.idempotency_key, r.account_id, r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata,
            r.to_account_id, r.related_id, r.entries, r.expires_at, r.on_shortfall, r.rate, r.campaign
        )::wallet.operation),
        array_agg(coalesce('key:' || r.api_key_id, 'role:' || session_user))
    INTO v_operations, v_posted_by
    FROM json_to_recordset(p_requests) AS r (
        type text, idempotency_key text, account_id uuid, asset_type_id uuid, amount numeric, reference_id text, description text,
        metadata jsonb, to_account_id uuid, related_id uuid, entries jsonb, expires_at timestamptz, on_shortfall text, rate numeric,
        campaign text, api_key_id text
    );
    v_answers := ARRAY(SELECT a FROM wallet.post_as(v_operations, v_posted_by) AS a);
    -- A statement of its own, so that it sees the rows just posted.
    RETURN QUERY
    SELECT
        a.outcome,
        a.code,
        CASE
            WHEN t.id IS NOT NULL THEN wallet.transaction_json(t, NULL)
            WHEN a.transaction_id IS NOT NULL THEN wallet.hold_answer_json(a.transaction_id)
            ELSE json_strip_nulls(json_build_object('error', a.error, 'code', a.code, 'details', a.details))
        END
    FROM unnest(v_answers) AS a
    LEFT JOIN wallet.transactions AS t ON t.id = a.transaction_id
    ORDER BY a.ordinal;
END;
$$;

COMMENT ON FUNCTION wallet.post_json(json) IS
'wallet.post_operations of a JSON array of objects with the fields of wallet.operation, and api_key_id: in whose name it is posted, or none for that of the login. One row per request, in order: outcome, code of a refusal, and as JSON the transaction or hold, or {error, code, details}. Raises what wallet.post_operations raises, and 22P02 when a field is not of its type.';

GRANT EXECUTE ON FUNCTION wallet.post_json(json) TO wallet_service;
