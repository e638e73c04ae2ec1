-- Whether it is worth a lease: a delivery is due, or the feed may have gone on.
CREATE OR REPLACE FUNCTION wallet.has_webhook_work(p_webhook wallet.webhooks)
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT 1 FROM wallet.webhook_deliveries AS d
        WHERE d.webhook_id = p_webhook.id AND d.status = 'PENDING' AND d.next_attempt_at <= clock_timestamp()
    ) OR coalesce(pg_sequence_last_value('wallet.transaction_numbers'), 0) > wallet.transaction_number(p_webhook.cursor)
$$;

COMMENT ON FUNCTION wallet.has_webhook_work(wallet.webhooks) IS
'Whether a delivery of the webhook is due, or a number was drawn after its cursor.';
