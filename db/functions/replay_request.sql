-- The answer to a request that is no posting, and whose key is known.
CREATE OR REPLACE FUNCTION wallet.replay_request(p_idempotency_key text, p_request jsonb)
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
    -- The requests for accounts have no operation: it is younger than they are.
    IF v_known.request IS NULL OR v_known.request -> 'operation' IS DISTINCT FROM p_request -> 'operation' THEN
        v_details := '{"endpoint": ["Differs from the first request with this idempotency key."]}';
    ELSE
        v_details := wallet.request_differences(v_known.request, p_request) || wallet.request_differences(p_request, v_known.request);
    END IF;
    RAISE EXCEPTION '%', wallet.refusal_error('idempotency_key_reused', NULL, NULL)
    USING ERRCODE = 'WL011', DETAIL = v_details::text;
END;
$$;

COMMENT ON FUNCTION wallet.replay_request(text, jsonb) IS
'The first answer under a known key when the request is the same. Raises WL011 with the differing fields in DETAIL when it is not (endpoint: the key made a posting, or something of another kind).';
