-- The number in front of the id is the order of the list, of the seals and of the quick doctor.
CREATE OR REPLACE FUNCTION wallet.check_transaction_ids(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, number bigint, number_max bigint)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, wallet.transaction_number(t.id), n.last_value
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
    CROSS JOIN wallet.transaction_numbers AS n
    WHERE
        t.id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{10}00$'
        OR wallet.transaction_number(t.id) NOT BETWEEN 1 AND n.last_value;
END;
$$;

COMMENT ON FUNCTION wallet.check_transaction_ids(uuid) IS
'Transactions, holds and voids, expiries, openings and changes (by the id of their event) whose id is no UUID of version 8 that ends in 00, or has a number that was never drawn. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_transaction_ids(uuid) TO wallet_service, wallet_auditor;
