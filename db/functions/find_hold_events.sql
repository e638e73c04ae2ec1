-- What wallet.find_events gives of holds: that they were made, voided or ran out. A capture is a transaction.
CREATE OR REPLACE FUNCTION wallet.find_hold_events(
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
    SELECT
        e.number, e.type, e.id, e.hold_id, e.type,
        (p_asset_type_ids IS NULL OR e.asset_type_id = ANY(p_asset_type_ids)) AND (p_account_id IS NULL OR e.account_id = p_account_id)
    FROM (
        (SELECT
            wallet.transaction_number(h.id) AS number, 'hold.created' AS type, h.id, h.id AS hold_id, h.asset_type_id, h.account_id
        FROM wallet.holds AS h
        WHERE h.id >= v_low AND h.id < v_high AND (p_types IS NULL OR 'hold.created' = ANY(p_types))
        ORDER BY h.id LIMIT p_scan)
        UNION ALL
        (SELECT wallet.transaction_number(h.void_id), 'hold.voided', h.void_id, h.id, h.asset_type_id, h.account_id
        FROM wallet.holds AS h
        WHERE h.void_id >= v_low AND h.void_id < v_high AND (p_types IS NULL OR 'hold.voided' = ANY(p_types))
        ORDER BY h.void_id LIMIT p_scan)
        UNION ALL
        (SELECT
            h.expiry_number, 'hold.expired', wallet.transaction_id(h.expiry_number, h.id), h.id, h.asset_type_id, h.account_id
        FROM wallet.holds AS h
        WHERE h.expiry_number > p_after AND h.expiry_number <= p_to AND (p_types IS NULL OR 'hold.expired' = ANY(p_types))
        ORDER BY h.expiry_number LIMIT p_scan)
    ) AS e;
END;
$$;

COMMENT ON FUNCTION wallet.find_hold_events(bigint, bigint, integer, text[], uuid, uuid[]) IS
'The first p_scan events of each kind about holds, with numbers after p_after and up to p_to, of the types asked for; is_wanted says whether account and asset are.';
