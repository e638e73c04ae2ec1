-- Keeps an asset's treasury as it is until the end of the transaction.
CREATE OR REPLACE FUNCTION wallet.hold_treasury(p_asset_type_id uuid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids CONSTANT uuid[] := ARRAY(
        SELECT a.id FROM wallet.accounts AS a
        WHERE a.asset_type_id = p_asset_type_id AND a.account_type = 'TREASURY' AND a.account_type <> 'USER'
        ORDER BY a.id
        FOR NO KEY UPDATE
    );
BEGIN
    -- An update, not a lock alone: a posting with an older snapshot must fail, and run again.
    UPDATE wallet.accounts AS a SET updated_at = greatest(a.updated_at, clock_timestamp()) WHERE a.id = ANY(v_ids);
END;
$$;

COMMENT ON FUNCTION wallet.hold_treasury(uuid) IS 'Locks the rows of an asset''s treasury in ascending id, as a posting does.';
