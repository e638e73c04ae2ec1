-- How the webhooks are, for monitoring.
CREATE OR REPLACE FUNCTION wallet.webhook_figures()
RETURNS TABLE (
    active bigint, paused bigint, disabled bigint, pending bigint, dead bigint, oldest_pending_seconds double precision
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.active, w.paused, w.disabled, d.pending, d.dead, d.oldest_pending_seconds
    FROM (
        SELECT
            count(*) FILTER (WHERE w.status = 'ACTIVE') AS active, count(*) FILTER (WHERE w.status = 'PAUSED') AS paused,
            count(*) FILTER (WHERE w.status = 'DISABLED') AS disabled
        FROM wallet.webhooks AS w
    ) AS w
    CROSS JOIN (
        SELECT
            count(*) FILTER (WHERE d.status = 'PENDING') AS pending, count(*) FILTER (WHERE d.status = 'DEAD') AS dead,
            extract(
                EPOCH FROM clock_timestamp() - min(d.created_at) FILTER (WHERE d.status = 'PENDING')
            )::double precision AS oldest_pending_seconds
        FROM wallet.webhook_deliveries AS d
    ) AS d
$$;

COMMENT ON FUNCTION wallet.webhook_figures() IS
'One row: webhooks that are active, paused and disabled; deliveries that are pending and dead; the age in seconds of the oldest that is pending (NULL: none is).';

GRANT EXECUTE ON FUNCTION wallet.webhook_figures() TO wallet_service, wallet_auditor;
