-- Gives webhooks with something to send to one process. The lease is a row, not a lock of the session: it outlives connections that
-- come from a pooler, and ends by itself when the process dies.
CREATE OR REPLACE FUNCTION wallet.lease_webhooks(p_limit integer)
RETURNS TABLE (id uuid, lease_number bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    UPDATE wallet.webhooks AS w
    SET lease_number = w.lease_number + 1, lease_until = clock_timestamp() + interval '60 seconds'
    FROM (
        SELECT c.id FROM wallet.webhooks AS c
        WHERE c.status = 'ACTIVE' AND c.lease_until <= clock_timestamp() AND wallet.has_webhook_work(c)
        -- Whoever has waited longest goes first.
        ORDER BY c.lease_until
        LIMIT p_limit
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS f
    WHERE w.id = f.id
    RETURNING w.id, w.lease_number;
END;
$$;

COMMENT ON FUNCTION wallet.lease_webhooks(integer) IS
'Leases up to p_limit active webhooks that have something to send and that no process sends for, for 60 seconds; whoever has the lease extends it by wallet.webhook_work. lease_number is the proof of the lease.';

GRANT EXECUTE ON FUNCTION wallet.lease_webhooks(integer) TO wallet_service;
