-- What a webhook's receiver did not take at once, newest first. A cursor names the webhook and the number of a delivery.
CREATE OR REPLACE FUNCTION wallet.list_deliveries(
    p_webhook_id uuid,
    p_status text DEFAULT NULL,
    p_page bigint DEFAULT 1,
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
    v_page CONSTANT bigint := least(greatest(p_page, 1), 2147483647);
    v_first CONSTANT bigint := CASE WHEN p_cursor IS NULL THEN least((v_page - 1) * v_limit, 10000) ELSE 0 END;
    v_after CONSTANT record := wallet.cursor_of('d', coalesce(p_cursor, ''));
    v_before CONSTANT bigint := coalesce(v_after.number, 9223372036854775807);
    v_count CONSTANT bigint := CASE WHEN p_cursor IS NULL THEN 10000 ELSE v_limit + 1 END;
    v_webhook wallet.webhooks;
    v_numbers bigint[];
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
        v_numbers := ARRAY(
            SELECT d.number FROM wallet.webhook_deliveries AS d WHERE d.webhook_id = p_webhook_id AND d.number < v_before
            ORDER BY d.number DESC LIMIT v_count
        );
    ELSE
        v_numbers := ARRAY(
            SELECT d.number FROM wallet.webhook_deliveries AS d
            WHERE d.webhook_id = p_webhook_id AND d.status = p_status::wallet.delivery_status AND d.number < v_before
            ORDER BY d.number DESC LIMIT v_count
        );
    END IF;
    SELECT string_agg(wallet.delivery_json(d)::text, ',' ORDER BY d.number DESC) INTO v_rows
    FROM wallet.webhook_deliveries AS d
    WHERE d.webhook_id = p_webhook_id AND d.number = ANY(v_numbers[v_first + 1:v_first + v_limit]);
    IF p_cursor IS NULL THEN
        RETURN wallet.page_json(v_rows, v_page, v_limit, cardinality(v_numbers));
    END IF;
    RETURN wallet.cursor_page_json(
        v_rows, v_limit, CASE WHEN cardinality(v_numbers) > v_limit THEN wallet.cursor_text('d', p_webhook_id, v_numbers[v_limit]) END
    );
END;
$$;

COMMENT ON FUNCTION wallet.list_deliveries(uuid, text, bigint, integer, text) IS
'A page of the deliveries of a webhook that were not taken at the first attempt, newest first, as JSON; p_status filters: PENDING, DELIVERED, DEAD. Without a cursor {data, pagination} over the newest 10,000 that match; with one (empty: from the newest) {data, pagination: {limit, nextCursor}}, to the end. Raises WL037 (no such webhook), WL001 for an unknown status or cursor.';

GRANT EXECUTE ON FUNCTION wallet.list_deliveries(uuid, text, bigint, integer, text) TO wallet_service, wallet_auditor;
