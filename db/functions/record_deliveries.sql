-- Writes down what became of attempts: what was not taken is put aside for later, or given up after 15 attempts in three days.
CREATE OR REPLACE FUNCTION wallet.record_deliveries(p_webhook_id uuid, p_results json)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_is_gone boolean;
BEGIN
    SELECT coalesce(bool_or(r.status = 410), FALSE) INTO v_is_gone FROM json_to_recordset(p_results) AS r (status integer);
    INSERT INTO wallet.webhook_deliveries (
        webhook_id, event_id, event, status, attempts, next_attempt_at, response_status, error
    )
    SELECT
        p_webhook_id, (r.event ->> 'id')::uuid, r.event, 'PENDING', 1, clock_timestamp() + wallet.retry_delay(1), r.status,
        left(r.error, 255)
    FROM json_to_recordset(p_results) AS r (delivery_id uuid, event json, status integer, error text)
    WHERE r.delivery_id IS NULL AND r.error IS NOT NULL
    ON CONFLICT ON CONSTRAINT webhook_deliveries_event_key DO NOTHING;
    UPDATE wallet.webhook_deliveries AS d
    SET
        status = n.status, attempts = d.attempts + 1, response_status = r.status, error = left(r.error, 255),
        next_attempt_at = CASE WHEN n.status = 'PENDING' THEN clock_timestamp() + wallet.retry_delay(d.attempts + 1) END,
        updated_at = greatest(clock_timestamp(), d.updated_at)
    FROM json_to_recordset(p_results) AS r (delivery_id uuid, status integer, error text)
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN r.error IS NULL THEN 'DELIVERED'
                WHEN o.attempts >= 14 THEN 'DEAD'
                ELSE 'PENDING'
            END::wallet.delivery_status AS status
        FROM wallet.webhook_deliveries AS o
        WHERE o.id = r.delivery_id
    ) AS n
    WHERE d.id = r.delivery_id AND d.webhook_id = p_webhook_id;
    RETURN v_is_gone;
END;
$$;

COMMENT ON FUNCTION wallet.record_deliveries(uuid, json) IS
'Notes attempts: a list of objects with delivery_id (of one that was put aside) or event, status (of the answer, NULL: none) and error (NULL: it was taken). TRUE when the receiver answered 410: it wants no more.';
