-- The answer to a request for an account whose key is known.
CREATE OR REPLACE FUNCTION wallet.replay_account(p_idempotency_key text, p_request jsonb)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_known wallet.idempotency_keys;
    v_details jsonb;
BEGIN
    SELECT * INTO STRICT v_known FROM wallet.idempotency_keys AS k WHERE k.key = p_idempotency_key;
    IF v_known.request = p_request THEN
        RETURN ROW(TRUE, v_known.answer)::wallet.keyed_answer;
    END IF;
    SELECT jsonb_object_agg(
        coalesce(r.field, 'endpoint'), '["Differs from the first request with this idempotency key."]'::jsonb
    )
    INTO v_details
    FROM (VALUES (v_known.request)) AS k (request)
    LEFT JOIN LATERAL (
        SELECT e.key AS field FROM jsonb_each(p_request) AS e WHERE e.value IS DISTINCT FROM k.request -> e.key
    ) AS r ON k.request IS NOT NULL;
    RAISE EXCEPTION '%', wallet.refusal_error('idempotency_key_reused', NULL, NULL)
    USING ERRCODE = 'WL011', DETAIL = v_details::text;
END;
$$;

COMMENT ON FUNCTION wallet.replay_account(text, jsonb) IS
'The first answer under a known key when the request is the same. Raises WL011 with the differing fields in DETAIL when it is not (endpoint: the key made a posting).';
