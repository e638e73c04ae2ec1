-- The events of a range of numbers, from every place that has some: each is read by an index in the order of the numbers, p_scan rows of
-- it at most. Rows of another account or asset are given too, marked, so that the caller knows how far everything has been seen.
CREATE OR REPLACE FUNCTION wallet.find_events(
    p_after bigint,
    p_to bigint,
    p_scan integer,
    p_types text[],
    p_account_id uuid,
    p_asset_type_ids uuid[]
)
RETURNS SETOF wallet.event
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    v_low CONSTANT uuid := wallet.transaction_id(p_after + 1, '00000000-0000-0000-0000-000000000000');
    v_high CONSTANT uuid := wallet.transaction_id(p_to + 1, '00000000-0000-0000-0000-000000000000');
BEGIN
    RETURN QUERY
    (SELECT
        wallet.transaction_number(t.id), 'transaction.posted', t.id, t.id, 'transactions',
        p_asset_type_ids IS NULL OR t.asset_type_id = ANY(p_asset_type_ids)
    FROM wallet.transactions AS t
    WHERE
        t.id >= v_low AND t.id < v_high
        AND p_account_id IS NULL AND (p_types IS NULL OR 'transaction.posted' = ANY(p_types))
    ORDER BY t.id LIMIT p_scan)
    UNION ALL
    SELECT e.* FROM wallet.find_entry_events(p_account_id, p_after, p_to, p_scan, p_asset_type_ids) AS e
    WHERE p_account_id IS NOT NULL AND (p_types IS NULL OR 'transaction.posted' = ANY(p_types))
    UNION ALL
    SELECT e.* FROM wallet.find_hold_events(p_after, p_to, p_scan, p_types, p_account_id, p_asset_type_ids) AS e
    UNION ALL
    (SELECT
        a.event_number, 'account.opened', wallet.transaction_id(a.event_number, a.id), a.id, 'openings',
        (p_asset_type_ids IS NULL OR a.asset_type_id = ANY(p_asset_type_ids)) AND (p_account_id IS NULL OR a.id = p_account_id)
    FROM wallet.accounts AS a
    WHERE a.event_number > p_after AND a.event_number <= p_to AND (p_types IS NULL OR 'account.opened' = ANY(p_types))
    ORDER BY a.event_number LIMIT p_scan)
    UNION ALL
    SELECT
        c.event_number, c.type, wallet.transaction_id(c.event_number, c.object_id), c.object_id, 'changes',
        -- Not the changes of webhooks.
        c.type = ANY(coalesce(p_types, wallet.event_types()))
        AND (p_asset_type_ids IS NULL OR c.asset_type_id = ANY(p_asset_type_ids))
        AND (p_account_id IS NULL OR c.object_id = p_account_id OR p_account_id = (
            SELECT s.account_id FROM wallet.spending_limits AS s WHERE s.id = c.object_id
        ))
    FROM (
        SELECT
            k.event_number, k.object_id, k.asset_type_id,
            lower(k.object_type) || CASE WHEN k.old_values IS NULL THEN '.created' ELSE '.changed' END AS type
        FROM wallet.changes AS k
        WHERE
            k.event_number > p_after AND k.event_number <= p_to
            AND (p_types IS NULL OR NOT p_types <@ '{transaction.posted,hold.created,hold.voided,hold.expired,account.opened}'::text[])
        ORDER BY k.event_number LIMIT p_scan
    ) AS c;
END;
$$;

COMMENT ON FUNCTION wallet.find_events(bigint, bigint, integer, text[], uuid, uuid[]) IS
'The first p_scan events of each source with numbers after p_after and up to p_to, in no order; is_wanted says whether type, account and asset are those asked for (NULL: any).';
