-- Coins stay coins: a transaction moves one asset between accounts of that asset; a conversion two, each between its own.
CREATE OR REPLACE FUNCTION wallet.check_assets(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, asset_type_id uuid, source_asset_type_id uuid, dest_asset_type_id uuid)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.asset_type_id, s.asset_type_id, d.asset_type_id
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE t.id >= p_since_id AND (t.asset_type_id <> s.asset_type_id OR t.asset_type_id <> d.asset_type_id)
    UNION ALL
    SELECT t.id, t.asset_type_id, a.asset_type_id, NULL
    FROM wallet.transactions AS t
    CROSS JOIN LATERAL unnest(t.leg_account_ids) WITH ORDINALITY AS l (account_id, leg)
    JOIN wallet.accounts AS a ON l.account_id = a.id
    WHERE
        t.id >= p_since_id AND t.leg_account_ids IS NOT NULL AND t.asset_type_id <> a.asset_type_id
        AND (t.type <> 'CONVERSION' OR l.leg < 3)
    UNION ALL
    SELECT t.id, t.asset_type_id, s.asset_type_id, d.asset_type_id
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.leg_account_ids[3] = s.id
    JOIN wallet.accounts AS d ON t.leg_account_ids[4] = d.id
    WHERE
        t.id >= p_since_id AND t.leg_account_ids IS NOT NULL AND t.type = 'CONVERSION'
        AND (s.asset_type_id <> d.asset_type_id OR t.asset_type_id = s.asset_type_id)
    UNION ALL
    SELECT h.id, h.asset_type_id, s.asset_type_id, d.asset_type_id
    FROM wallet.holds AS h
    JOIN wallet.accounts AS s ON h.account_id = s.id
    JOIN wallet.accounts AS d ON h.dest_account_id = d.id
    WHERE h.id >= p_since_id AND (h.asset_type_id <> s.asset_type_id OR h.asset_type_id <> d.asset_type_id);
END;
$$;

COMMENT ON FUNCTION wallet.check_assets(uuid) IS
'Transactions and holds whose accounts are of another asset; conversions whose two sides are of one asset, or the side that is credited of two. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_assets(uuid) TO wallet_service, wallet_auditor;
