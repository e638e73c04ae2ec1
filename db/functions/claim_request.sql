-- Claims the key of a request that is no posting, with its answer. A second request with the key waits here, then gets the first answer.
CREATE OR REPLACE FUNCTION wallet.claim_request(
    p_idempotency_key text,
    p_account_id uuid,
    p_asset_type_id uuid,
    p_request jsonb,
    p_answer json,
    p_webhook_id uuid DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_idempotency_key IS NULL THEN
        RETURN NULL;
    END IF;
    IF length(p_idempotency_key) NOT BETWEEN 1 AND 255 OR p_idempotency_key ~ '[^!-~]' THEN
        RAISE EXCEPTION '%', wallet.refusal_error('idempotency_key_missing', NULL, NULL) USING ERRCODE = 'WL002';
    END IF;
    INSERT INTO wallet.idempotency_keys (key, account_id, asset_type_id, webhook_id, request, answer)
    VALUES (p_idempotency_key, p_account_id, p_asset_type_id, p_webhook_id, p_request, coalesce(p_answer, 'null'))
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN wallet.replay_request(p_idempotency_key, p_request);
END;
$$;

COMMENT ON FUNCTION wallet.claim_request(text, uuid, uuid, jsonb, json, uuid) IS
'Notes a key (NULL: none) with what it made, the request and the answer. NULL when the key was new; else the first answer. Raises WL002 for a bad key, WL011 when it was used for another request.';
