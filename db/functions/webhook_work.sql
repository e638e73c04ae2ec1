-- One step of sending: notes what became of the attempts before, and gives what to send next. All that a sender ever writes goes through
-- here, under the number of its lease: one that was thought dead and comes back writes nothing.
CREATE OR REPLACE FUNCTION wallet.webhook_work(
    p_webhook_id uuid,
    p_lease_number bigint,
    p_results json,
    p_cursor uuid,
    p_is_last boolean
)
RETURNS json
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_webhook wallet.webhooks;
    v_retries json := '[]';
    v_page json := '{"events": [], "hasMore": false}';
    v_goes_on boolean;
BEGIN
    SELECT * INTO v_webhook FROM wallet.webhooks AS w
    WHERE w.id = p_webhook_id AND w.lease_number = p_lease_number AND w.status <> 'DELETED'
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_webhook.cursor := coalesce(p_cursor, v_webhook.cursor);
    IF wallet.record_deliveries(p_webhook_id, p_results) THEN
        v_webhook.status := wallet.disable_webhook(v_webhook);
    END IF;
    IF v_webhook.status = 'ACTIVE' AND NOT p_is_last THEN
        SELECT coalesce(json_agg(json_build_object('deliveryId', d.id, 'eventId', d.event_id, 'event', d.event)), '[]') INTO v_retries
        FROM (
            SELECT o.* FROM wallet.webhook_deliveries AS o
            WHERE o.webhook_id = p_webhook_id AND o.status = 'PENDING' AND o.next_attempt_at <= clock_timestamp()
            ORDER BY o.next_attempt_at
            LIMIT 5
        ) AS d;
        v_page := wallet.webhook_page(v_webhook);
        IF json_array_length(v_page -> 'events') = 0 THEN
            -- There is nothing to be sent up to there.
            v_webhook.cursor := (v_page ->> 'cursor')::uuid;
        END IF;
    END IF;
    v_goes_on := json_array_length(v_retries) + json_array_length(v_page -> 'events') > 0 OR (v_page ->> 'hasMore')::boolean;
    UPDATE wallet.webhooks
    SET
        cursor = v_webhook.cursor,
        lease_until = clock_timestamp() + CASE WHEN v_goes_on THEN interval '60 seconds' ELSE interval '0' END
    WHERE id = p_webhook_id;
    IF NOT v_goes_on THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object(
        'url', v_webhook.url,
        'secrets', array_remove(ARRAY[
            encode(v_webhook.secret, 'base64'),
            CASE WHEN v_webhook.previous_secret_until > clock_timestamp() THEN encode(v_webhook.previous_secret, 'base64') END
        ], NULL),
        'retries', v_retries, 'events', v_page -> 'events', 'cursor', v_page -> 'cursor'
    );
END;
$$;

COMMENT ON FUNCTION wallet.webhook_work(uuid, bigint, json, uuid, boolean) IS
'Notes the results of attempts (as wallet.record_deliveries) and how far the webhook has come (the cursor of a page or the id of an event, NULL: as far as before), extends the lease by 60 seconds, and gives {url, secrets, retries, events, cursor} to send next. NULL, and the lease is over, when there is nothing to send, p_is_last, or the lease is somebody else''s by now; then nothing is noted either.';

GRANT EXECUTE ON FUNCTION wallet.webhook_work(uuid, bigint, json, uuid, boolean) TO wallet_service;
