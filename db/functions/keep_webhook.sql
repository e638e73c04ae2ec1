-- Writes what somebody changed of a webhook. Where it is in the feed is not touched, nor is the lease: they are the sender's.
CREATE OR REPLACE FUNCTION wallet.keep_webhook(p_webhook wallet.webhooks)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE wallet.webhooks
    SET
        url = p_webhook.url, description = p_webhook.description, event_types = p_webhook.event_types,
        asset_type_ids = p_webhook.asset_type_ids, status = p_webhook.status, secret = p_webhook.secret,
        secret_created_at = p_webhook.secret_created_at, previous_secret = p_webhook.previous_secret,
        previous_secret_until = p_webhook.previous_secret_until, updated_at = p_webhook.updated_at
    WHERE id = p_webhook.id;
    IF p_webhook.status = 'DELETED' THEN
        DELETE FROM wallet.webhook_deliveries WHERE webhook_id = p_webhook.id;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.keep_webhook(wallet.webhooks) IS
'Writes url, description, eventTypes, assetTypeIds, status and secrets of a webhook; of one that is deleted its deliveries are removed.';
