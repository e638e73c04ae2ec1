-- The budgets of an asset: its own first, then the campaigns by name.
CREATE OR REPLACE FUNCTION wallet.list_budgets(p_asset_type_id uuid)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id) THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    RETURN coalesce((
        SELECT jsonb_agg(wallet.budget_json(b) ORDER BY b.campaign)
        FROM wallet.budgets AS b WHERE b.asset_type_id = p_asset_type_id
    ), '[]');
END;
$$;

COMMENT ON FUNCTION wallet.list_budgets(uuid) IS
'The budgets of an asset as a JSON list, each with what has been issued and what is available. Raises WL004.';

GRANT EXECUTE ON FUNCTION wallet.list_budgets(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
