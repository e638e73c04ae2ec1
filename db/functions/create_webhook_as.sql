-- A new webhook, from this moment of the feed on. The secret is made here, so that it is in no statement and in no log of statements;
-- it is not kept with the key of the request either, for others may read that.
CREATE OR REPLACE FUNCTION wallet.create_webhook_as(p_values jsonb, p_idempotency_key text, p_created_by text)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_webhook wallet.webhooks;
    v_answer wallet.keyed_answer;
    v_problems CONSTANT jsonb := CASE WHEN p_values ? 'url' THEN '{}' ELSE '{"url": ["Is required."]}'::jsonb END
        || wallet.webhook_problems(p_values);
BEGIN
    IF v_problems <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_problems::text;
    END IF;
    v_webhook := jsonb_populate_record(v_webhook, jsonb_build_object(
        'id', gen_random_uuid(), 'status', 'ACTIVE', 'lease_number', 0, 'url', p_values -> 'url',
        'description', p_values -> 'description', 'event_types', p_values -> 'eventTypes', 'asset_type_ids', p_values -> 'assetTypeIds'
    ));
    v_webhook.secret := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    v_webhook.cursor := wallet.list_events('now', 1) ->> 'cursor';
    v_webhook.created_at := clock_timestamp();
    v_webhook.updated_at := v_webhook.created_at;
    v_webhook.secret_created_at := v_webhook.created_at;
    v_webhook.lease_until := v_webhook.created_at;
    v_answer := wallet.claim_request(
        p_idempotency_key, NULL, NULL, jsonb_build_object('operation', 'CREATE_WEBHOOK') || p_values, wallet.webhook_json(v_webhook),
        v_webhook.id
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    PERFORM wallet.check_webhook(v_webhook, v_webhook.asset_type_ids);
    INSERT INTO wallet.webhooks VALUES (v_webhook.*);
    PERFORM wallet.record_change(
        'WEBHOOK', v_webhook.id, NULL, NULL, wallet.webhook_settings(v_webhook), p_created_by, NULL, v_webhook.created_at
    );
    RETURN ROW(FALSE, wallet.webhook_json(v_webhook, v_webhook.secret))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.create_webhook_as(jsonb, text, text) IS
'Makes a webhook from an object with url, description, eventTypes and assetTypeIds, and gives it as JSON with its secret. The same key and request again give the first answer without the secret, replayed. Raises WL001, WL002, WL011, WL004 (one of the asset types is not there).';
