-- The receiver wants no more. That is a change of the webhook like any other.
CREATE OR REPLACE FUNCTION wallet.disable_webhook(p_webhook wallet.webhooks)
RETURNS wallet.webhook_status
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_disabled wallet.webhooks := p_webhook;
BEGIN
    v_disabled.status := 'DISABLED';
    v_disabled.updated_at := greatest(clock_timestamp(), p_webhook.updated_at);
    PERFORM wallet.record_change(
        'WEBHOOK', p_webhook.id, NULL, wallet.webhook_settings(p_webhook), wallet.webhook_settings(v_disabled), 'role:' || session_user,
        'The receiver answered 410 Gone.', v_disabled.updated_at
    );
    PERFORM wallet.keep_webhook(v_disabled);
    RETURN v_disabled.status;
END;
$$;

COMMENT ON FUNCTION wallet.disable_webhook(wallet.webhooks) IS
'Switches a webhook off because its receiver answered 410, and notes that in its history.';
