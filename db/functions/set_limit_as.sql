-- Sets a spending limit or a budget under an idempotency key. A key that is known makes the whole of it undone: what was set under it may
-- have been changed since, and must stay as it is.
CREATE OR REPLACE FUNCTION wallet.set_limit_as(
    p_operation text, p_values jsonb, p_reason text, p_idempotency_key text, p_api_key_id text
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_request CONSTANT jsonb := jsonb_build_object('operation', p_operation, 'reason', p_reason) || p_values
        || jsonb_build_object('amountMax', trim_scale((p_values ->> 'amountMax')::numeric));
    v_made jsonb;
    v_answer wallet.keyed_answer;
BEGIN
    IF EXISTS (SELECT FROM wallet.idempotency_keys AS k WHERE k.key = p_idempotency_key) THEN
        RETURN wallet.replay_request(p_idempotency_key, v_request);
    END IF;
    BEGIN
        v_made := CASE p_operation
            WHEN 'SET_BUDGET' THEN wallet.set_budget(
                (p_values ->> 'assetTypeId')::uuid, p_values ->> 'campaign', (p_values ->> 'amountMax')::numeric,
                (p_values ->> 'validFrom')::timestamptz, (p_values ->> 'validUntil')::timestamptz, p_reason, p_api_key_id
            )
            ELSE wallet.set_spending_limit(
                (p_values ->> 'assetTypeId')::uuid, (p_values ->> 'accountId')::uuid, p_values ->> 'name',
                (p_values ->> 'periodSeconds')::integer, (p_values ->> 'amountMax')::numeric, (p_values ->> 'countMax')::bigint, p_reason,
                p_api_key_id
            )
        END;
        v_answer := wallet.claim_request(p_idempotency_key, NULL, (v_made ->> 'assetTypeId')::uuid, v_request, v_made::json);
        IF v_answer.replayed THEN
            RAISE EXCEPTION 'known' USING ERRCODE = 'triggered_action_exception';
        END IF;
    EXCEPTION
        WHEN triggered_action_exception THEN
            RETURN v_answer;
    END;
    RETURN ROW(FALSE, v_made)::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.set_limit_as(text, jsonb, text, text, text) IS
'wallet.set_spending_limit (SET_SPENDING_LIMIT) or wallet.set_budget (SET_BUDGET) under a key (NULL: none), with the values named as in JSON. Raises what they raise, and what wallet.claim_request does. Nobody may call it but the routines that know who sets it.';
