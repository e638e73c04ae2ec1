-- What a webhook's receiver did not take at once, newest first. The cursor names the webhook and the delivery's number.
CREATE OR REPLACE FUNCTION wallet.list_deliveries(
    p_webhook_id uuid,
    p_status text DEFAULT NULL,
    p_limit integer DEFAULT 20,
    p_cursor text DEFAULT NULL
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_limit CONSTANT bigint := least(greatest(p_limit, 1), 100);
    v_after CONSTANT record := wallet.cursor_of('d', coalesce(p_cursor, ''));
    v_webhook wallet.webhooks;
    v_deliveries wallet.webhook_deliveries[];
    v_rows text;
BEGIN
    SELECT * INTO v_webhook FROM wallet.webhooks AS w WHERE w.id = p_webhook_id;
    PERFORM wallet.check_webhook(v_webhook, NULL);
    IF NOT p_status = ANY(enum_range(NULL::wallet.delivery_status)::text[]) THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"status": ["Must be PENDING, DELIVERED or DEAD."]}';
    ELSIF v_after.id <> p_webhook_id THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"cursor": ["Is no cursor of this list."]}';
    END IF;
    IF p_status IS NULL THEN
        v_deliveries := ARRAY(
            SELECT d FROM wallet.webhook_deliveries AS d
            WHERE d.webhook_id = p_webhook_id AND d.number < coalesce(v_after.number, 9223372036854775807)
            ORDER BY d.number DESC LIMIT v_limit + 1
        );
    ELSE
        v_deliveries := ARRAY(
            SELECT d FROM wallet.webhook_deliveries AS d
            WHERE
                d.webhook_id = p_webhook_id AND d.status = p_status::wallet.delivery_status
                AND d.number < coalesce(v_after.number, 9223372036854775807)
            ORDER BY d.number DESC LIMIT v_limit + 1
        );
    END IF;
    SELECT string_agg(wallet.delivery_json(d)::text, ',' ORDER BY d.number DESC) INTO v_rows
    FROM unnest(v_deliveries[1:v_limit]) AS d;
    RETURN wallet.cursor_page_json(v_rows, v_limit, CASE
        WHEN cardinality(v_deliveries) > v_limit THEN wallet.cursor_text('d', p_webhook_id, (v_deliveries[v_limit]).number)
    END);
END;
$$;

COMMENT ON FUNCTION wallet.list_deliveries(uuid, text, integer, text) IS
'A page of the deliveries of a webhook that were not taken at the first attempt, newest first, as JSON {data, pagination: {limit, nextCursor}}; p_status filters: PENDING, DELIVERED, DEAD. Raises WL037 (no such webhook), WL001 for an unknown status or cursor.';

GRANT EXECUTE ON FUNCTION wallet.list_deliveries(uuid, text, integer, text) TO wallet_service, wallet_auditor;
