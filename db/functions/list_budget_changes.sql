-- The history of the budget of an asset, or of one of its campaigns.
CREATE OR REPLACE FUNCTION wallet.list_budget_changes(
    p_asset_type_id uuid, p_campaign text, p_page bigint DEFAULT 1, p_limit integer DEFAULT 20
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id) THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    RETURN wallet.list_changes((
        SELECT b.id FROM wallet.budgets AS b
        WHERE b.asset_type_id = p_asset_type_id AND b.campaign = coalesce(p_campaign, '')
    ), p_page, p_limit);
END;
$$;

COMMENT ON FUNCTION wallet.list_budget_changes(uuid, text, bigint, integer) IS
'A page of the changes of the budget of a campaign, or (NULL) of the asset, newest first, as JSON {data, pagination}; one that is unknown has none. Raises WL004 for an unknown asset.';

GRANT EXECUTE ON FUNCTION wallet.list_budget_changes(uuid, text, bigint, integer) TO wallet_service, wallet_jobs, wallet_auditor;
