-- The next events for a webhook. Each comes with the wallets it is about: events that share one are sent one after the other. Of system
-- accounts there are few, and nearly every event is about one of them, so they do not count.
CREATE OR REPLACE FUNCTION wallet.webhook_page(p_webhook wallet.webhooks)
RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_page json;
BEGIN
    -- What was put aside is bounded: beyond this the newer events wait in the feed.
    IF (
        SELECT count(*) FROM (
            SELECT 1 FROM wallet.webhook_deliveries AS d WHERE d.webhook_id = p_webhook.id AND d.status = 'PENDING' LIMIT 1000
        ) AS p
    ) >= 1000 THEN
        RETURN json_build_object('events', '[]'::json, 'cursor', p_webhook.cursor, 'hasMore', FALSE);
    END IF;
    v_page := wallet.list_events(
        p_after => p_webhook.cursor::text, p_limit => 10, p_types => p_webhook.event_types, p_asset_type_ids => p_webhook.asset_type_ids
    );
    RETURN json_build_object(
        'events', (
            SELECT coalesce(json_agg(json_build_object(
                'event', e.value, 'eventId', e.value ->> 'id', 'walletIds', ARRAY(
                    SELECT a.id
                    FROM json_array_elements_text(e.value -> 'accountIds') AS i (id)
                    JOIN wallet.accounts AS a ON i.id::uuid = a.id
                    WHERE a.account_type = 'USER'
                )
            ) ORDER BY e.place), '[]')
            FROM json_array_elements(v_page -> 'data') WITH ORDINALITY AS e (value, place)
        ),
        'cursor', v_page -> 'cursor', 'hasMore', v_page -> 'hasMore'
    );
END;
$$;

COMMENT ON FUNCTION wallet.webhook_page(wallet.webhooks) IS
'{events: [{event, eventId, walletIds}], cursor, hasMore}: up to 10 events after the webhook''s cursor; none while 1,000 deliveries are pending.';
