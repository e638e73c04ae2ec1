-- A delivery as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.delivery_json(p_delivery wallet.webhook_deliveries)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN json_build_object(
    'id', (p_delivery).id,
    'webhookId', (p_delivery).webhook_id,
    'eventId', (p_delivery).event_id,
    'status', (p_delivery).status,
    'attempts', (p_delivery).attempts,
    'nextAttemptAt', wallet.instant_json((p_delivery).next_attempt_at),
    'responseStatus', (p_delivery).response_status,
    'error', (p_delivery).error,
    'event', (p_delivery).event,
    'createdAt', wallet.instant_json((p_delivery).created_at),
    'updatedAt', wallet.instant_json((p_delivery).updated_at)
);

COMMENT ON FUNCTION wallet.delivery_json(wallet.webhook_deliveries) IS
'A row of wallet.webhook_deliveries as JSON: id, webhookId, eventId, status, attempts, nextAttemptAt, responseStatus, error, event, createdAt, updatedAt.';
