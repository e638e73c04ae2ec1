-- Changes a webhook, gives it another secret, or deletes it: the three things that can become of one.
CREATE OR REPLACE FUNCTION wallet.change_webhook_as(
    p_operation text,
    p_webhook_id uuid,
    p_values jsonb,
    p_reason text,
    p_idempotency_key text,
    p_changed_by text
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_old wallet.webhooks;
    v_new wallet.webhooks;
    v_answer wallet.keyed_answer;
    v_problems CONSTANT jsonb := wallet.webhook_problems(p_values)
        || CASE WHEN p_operation = 'CHANGE_WEBHOOK' AND p_values = '{}' THEN '{"body": ["Must name a field to change."]}' ELSE '{}' END::jsonb
        || CASE WHEN length(p_reason) NOT BETWEEN 1 AND 1000 THEN '{"reason": ["Must be 1 to 1000 characters."]}' ELSE '{}' END::jsonb;
BEGIN
    IF v_problems <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_problems::text;
    END IF;
    SELECT * INTO v_old FROM wallet.webhooks AS w WHERE w.id = p_webhook_id FOR UPDATE;
    v_new := jsonb_populate_record(v_old, jsonb_strip_nulls(jsonb_build_object(
        'url', p_values -> 'url', 'status', p_values -> 'status'
    )) || CASE WHEN p_values ? 'description' THEN jsonb_build_object('description', p_values -> 'description') ELSE '{}' END
    || CASE WHEN p_values ? 'eventTypes' THEN jsonb_build_object('event_types', p_values -> 'eventTypes') ELSE '{}' END
    || CASE WHEN p_values ? 'assetTypeIds' THEN jsonb_build_object('asset_type_ids', p_values -> 'assetTypeIds') ELSE '{}' END);
    v_new.updated_at := greatest(clock_timestamp(), v_old.updated_at);
    IF p_operation = 'ROTATE_WEBHOOK_SECRET' THEN
        v_new.previous_secret := v_old.secret;
        v_new.previous_secret_until := v_new.updated_at + interval '24 hours';
        v_new.secret := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
        v_new.secret_created_at := v_new.updated_at;
    ELSIF p_operation = 'DELETE_WEBHOOK' THEN
        v_new.status := 'DELETED';
        v_new.secret := NULL;
        v_new.previous_secret := NULL;
        v_new.previous_secret_until := NULL;
    END IF;
    v_answer := wallet.claim_request(
        p_idempotency_key, NULL, NULL,
        jsonb_build_object('operation', p_operation, 'id', p_webhook_id, 'reason', p_reason) || p_values,
        wallet.webhook_json(v_new), p_webhook_id
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    PERFORM wallet.check_webhook(v_old, v_new.asset_type_ids);
    PERFORM wallet.record_change(
        'WEBHOOK', v_old.id, NULL, wallet.webhook_settings(v_old), wallet.webhook_settings(v_new), p_changed_by, p_reason,
        v_new.updated_at
    );
    PERFORM wallet.keep_webhook(v_new);
    RETURN ROW(
        FALSE, wallet.webhook_json(v_new, CASE WHEN p_operation = 'ROTATE_WEBHOOK_SECRET' THEN v_new.secret END)
    )::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.change_webhook_as(text, uuid, jsonb, text, text, text) IS
'CHANGE_WEBHOOK: changes url, description, eventTypes, assetTypeIds, status. ROTATE_WEBHOOK_SECRET: makes another secret; the one before signs too for 24 hours. DELETE_WEBHOOK: ends it and forgets its secrets and deliveries. Gives the webhook as JSON, with the secret when it is new. Raises WL001, WL002, WL011, WL037 (no such webhook), WL004.';
