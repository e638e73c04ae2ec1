-- wallet.post for the HTTP service: requests come as one JSON array, answers leave as JSON text that is passed on as it is. The service
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
    v_requests wallet.posting_request[];
    v_posted_by text[];
    v_answers wallet.posting_answer[];
BEGIN
    SELECT
        array_agg(ROW(
            r.type, r.idempotency_key, r.account_id, r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata
        )::wallet.posting_request),
        array_agg(coalesce('key:' || r.api_key_id, 'role:' || session_user))
    INTO v_requests, v_posted_by
    FROM json_to_recordset(p_requests) AS r (
        type text, idempotency_key text, account_id uuid, asset_type_id uuid, amount numeric, reference_id text, description text,
        metadata jsonb, api_key_id text
    );
    v_answers := ARRAY(SELECT a FROM wallet.post_as(v_requests, v_posted_by) AS a);
    -- A statement of its own, so that it sees the rows just posted.
    RETURN QUERY
    SELECT
        a.outcome,
        a.code,
        CASE
            WHEN a.transaction_id IS NOT NULL THEN wallet.transaction_json(t)
            ELSE json_strip_nulls(json_build_object('error', a.error, 'code', a.code, 'details', a.details))
        END
    FROM unnest(v_answers) AS a
    LEFT JOIN wallet.transactions AS t ON t.id = a.transaction_id
    ORDER BY a.ordinal;
END;
$$;

COMMENT ON FUNCTION wallet.post_json(json) IS
'wallet.post of a JSON array of objects with the fields of wallet.posting_request, and api_key_id: in whose name it is posted, or none for that of the login. One row per request, in order: outcome, code of a refusal, and as JSON the transaction or {error, code, details}. Raises what wallet.post raises, and 22P02 when a field is not of its type.';

GRANT EXECUTE ON FUNCTION wallet.post_json(json) TO wallet_service;
