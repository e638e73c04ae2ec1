-- wallet.post for the HTTP service: requests come as one JSON array, answers leave as JSON text that is passed on as it is.
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
    v_answers CONSTANT wallet.posting_answer[] := ARRAY(
        SELECT a
        FROM wallet.post(
            ARRAY(SELECT r FROM json_populate_recordset(NULL::wallet.posting_request, p_requests) AS r)
        ) AS a
    );
BEGIN
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
'wallet.post of a JSON array of objects with the fields of wallet.posting_request. One row per request, in order: outcome, code of a refusal, and as JSON the transaction or {error, code, details}. Raises what wallet.post raises, and 22P02 when a field is not of its type.';

GRANT EXECUTE ON FUNCTION wallet.post_json(json) TO wallet_service;
