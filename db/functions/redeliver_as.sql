-- A delivery is to be tried again now, whatever became of it.
CREATE OR REPLACE FUNCTION wallet.redeliver_as(p_webhook_id uuid, p_delivery_id uuid, p_idempotency_key text)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_webhook wallet.webhooks;
    v_delivery wallet.webhook_deliveries;
    v_answer wallet.keyed_answer;
BEGIN
    -- The webhook first, as whoever writes down what became of deliveries does.
    SELECT * INTO v_webhook FROM wallet.webhooks AS w WHERE w.id = p_webhook_id FOR NO KEY UPDATE;
    SELECT * INTO v_delivery FROM wallet.webhook_deliveries AS d WHERE d.id = p_delivery_id AND d.webhook_id = p_webhook_id;
    v_delivery.status := 'PENDING';
    v_delivery.attempts := 0;
    v_delivery.updated_at := greatest(clock_timestamp(), v_delivery.updated_at);
    v_delivery.next_attempt_at := v_delivery.updated_at;
    v_answer := wallet.claim_request(
        p_idempotency_key, NULL, NULL,
        jsonb_build_object('operation', 'REDELIVER', 'id', p_webhook_id, 'deliveryId', p_delivery_id),
        wallet.delivery_json(v_delivery), p_webhook_id
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    PERFORM wallet.check_webhook(v_webhook, NULL);
    IF v_delivery.id IS NULL THEN
        RAISE EXCEPTION 'The webhook has no such delivery.' USING ERRCODE = 'WL038';
    END IF;
    UPDATE wallet.webhook_deliveries
    SET
        status = v_delivery.status, attempts = 0, updated_at = v_delivery.updated_at, next_attempt_at = v_delivery.next_attempt_at
    WHERE id = p_delivery_id;
    RETURN ROW(FALSE, wallet.delivery_json(v_delivery))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.redeliver_as(uuid, uuid, text) IS
'Makes a delivery of a webhook PENDING again, with all its attempts before it and due at once, and gives it as JSON. The same key and request again give the first answer, replayed. Raises WL002, WL011, WL037 (no such webhook), WL038 (no such delivery).';
