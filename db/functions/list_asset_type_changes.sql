-- The history of an asset type: who changed it, when and why.
CREATE OR REPLACE FUNCTION wallet.list_asset_type_changes(
    p_asset_type_id uuid,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM wallet.asset_types AS a WHERE a.id = p_asset_type_id) THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    RETURN wallet.list_changes(p_asset_type_id, p_page, p_limit);
END;
$$;

COMMENT ON FUNCTION wallet.list_asset_type_changes(uuid, bigint, integer) IS
'A page of the changes of an asset type, newest first, as JSON {data, pagination}: number, changedAt, changedBy, reason, before, after. Raises WL004 when there is no such asset type.';

GRANT EXECUTE ON FUNCTION wallet.list_asset_type_changes(uuid, bigint, integer) TO wallet_service, wallet_jobs, wallet_auditor;
