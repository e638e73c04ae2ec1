-- Removes deliveries that have been over for 30 days, the oldest first, some at a time.
CREATE OR REPLACE FUNCTION wallet.prune_deliveries(p_limit integer)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM wallet.webhook_deliveries AS d
    WHERE d.id IN (
        SELECT o.id FROM wallet.webhook_deliveries AS o
        WHERE o.status <> 'PENDING' AND o.updated_at < clock_timestamp() - interval '30 days'
        ORDER BY o.updated_at
        LIMIT p_limit
        -- One that is sent again by hand at this moment stays, and so do those that another process removes.
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION wallet.prune_deliveries(integer) IS
'Removes up to p_limit deliveries that were delivered or given up 30 days ago or earlier. Gives how many it removed.';

GRANT EXECUTE ON FUNCTION wallet.prune_deliveries(integer) TO wallet_service;
