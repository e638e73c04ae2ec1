-- Changes of accounts, asset types, limits and webhooks for the HTTP service. The service is the one that checks API keys, and so the only one that may
-- name one.
CREATE OR REPLACE FUNCTION wallet.administer_json(p_request json)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_request record;
    v_by text;
BEGIN
    SELECT * INTO v_request
    FROM json_to_record(p_request) AS r (
        operation text, id uuid, delivery_id uuid, "values" jsonb, reason text, idempotency_key text, api_key_id text
    );
    IF v_request.operation IN ('SET_SPENDING_LIMIT', 'SET_BUDGET') THEN
        RETURN wallet.set_limit_as(
            v_request.operation, v_request.values, v_request.reason, v_request.idempotency_key, v_request.api_key_id
        );
    END IF;
    v_by := coalesce('key:' || v_request.api_key_id, 'role:' || session_user);
    RETURN CASE v_request.operation
        WHEN 'CHANGE_ACCOUNT' THEN wallet.change_account_as(
            v_request.id, v_request.values, v_request.reason, v_request.idempotency_key, v_by
        )
        WHEN 'CREATE_ASSET_TYPE' THEN wallet.create_asset_type_as(v_request.values, v_request.idempotency_key, v_by)
        WHEN 'CHANGE_ASSET_TYPE' THEN wallet.change_asset_type_as(
            v_request.id, v_request.values, v_request.reason, v_request.idempotency_key, v_by
        )
        WHEN 'CREATE_WEBHOOK' THEN wallet.create_webhook_as(v_request.values, v_request.idempotency_key, v_by)
        WHEN 'REDELIVER' THEN wallet.redeliver_as(v_request.id, v_request.delivery_id, v_request.idempotency_key)
        ELSE wallet.change_webhook_as(
            v_request.operation, v_request.id, v_request.values, v_request.reason, v_request.idempotency_key, v_by
        )
    END;
END;
$$;

COMMENT ON FUNCTION wallet.administer_json(json) IS
'Makes or changes what is no posting, from an object with operation (CHANGE_ACCOUNT, CREATE_ASSET_TYPE, CHANGE_ASSET_TYPE, SET_SPENDING_LIMIT, SET_BUDGET, CREATE_WEBHOOK, CHANGE_WEBHOOK, ROTATE_WEBHOOK_SECRET, DELETE_WEBHOOK, REDELIVER), id, delivery_id, values, reason, idempotency_key, and api_key_id: in whose name, or none for that of the login. Raises what wallet.change_account_as, wallet.create_asset_type_as, wallet.change_asset_type_as, wallet.set_limit_as, wallet.create_webhook_as, wallet.change_webhook_as and wallet.redeliver_as raise.';

GRANT EXECUTE ON FUNCTION wallet.administer_json(json) TO wallet_service;
