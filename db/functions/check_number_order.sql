-- Two events never share a number; with the ids in order, equal numbers are neighbours.
CREATE OR REPLACE FUNCTION wallet.check_number_order(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, number bigint, previous_transaction_id uuid)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.id, wallet.transaction_number(c.id), c.previous_id
    FROM (
        SELECT t.id, lag(t.id) OVER (ORDER BY t.id) AS previous_id
        FROM (
            SELECT p.id FROM wallet.transactions AS p WHERE p.id >= p_since_id
            UNION ALL
            SELECT h.id FROM wallet.holds AS h WHERE h.id >= p_since_id
            UNION ALL
            SELECT v.void_id FROM wallet.holds AS v WHERE v.void_id >= p_since_id
            UNION ALL
            SELECT wallet.transaction_id(x.expiry_number, x.id) FROM wallet.holds AS x
            WHERE x.expiry_number >= wallet.transaction_number(p_since_id)
            UNION ALL
            SELECT wallet.transaction_id(a.event_number, a.id) FROM wallet.accounts AS a
            WHERE a.event_number >= wallet.transaction_number(p_since_id)
            UNION ALL
            SELECT wallet.transaction_id(g.event_number, g.object_id) FROM wallet.changes AS g
            WHERE g.event_number >= wallet.transaction_number(p_since_id)
        ) AS t
    ) AS c
    WHERE left(c.id::text, 18) = left(c.previous_id::text, 18);
END;
$$;

COMMENT ON FUNCTION wallet.check_number_order(uuid) IS
'Transactions, holds and voids, expiries, openings and changes (by the id of their event) with the number of another one. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_number_order(uuid) TO wallet_service, wallet_auditor;
