-- The history of a spending limit, found by whose it is and its name.
CREATE OR REPLACE FUNCTION wallet.list_spending_limit_changes(
    p_asset_type_id uuid, p_account_id uuid, p_name text, p_page bigint DEFAULT 1, p_limit integer DEFAULT 20
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM wallet.check_limited(p_account_id, a, t, '{}')
    FROM (SELECT) AS one
    LEFT JOIN wallet.accounts AS a ON a.id = p_account_id AND a.stripe = 0
    LEFT JOIN wallet.asset_types AS t ON t.id = coalesce(p_asset_type_id, a.asset_type_id);
    RETURN wallet.list_changes((
        SELECT s.id FROM wallet.spending_limits AS s
        WHERE
            s.asset_type_id = coalesce(p_asset_type_id, (SELECT a.asset_type_id FROM wallet.accounts AS a WHERE a.id = p_account_id))
            AND s.account_id IS NOT DISTINCT FROM p_account_id AND s.name = p_name
    ), p_page, p_limit);
END;
$$;

COMMENT ON FUNCTION wallet.list_spending_limit_changes(uuid, uuid, text, bigint, integer) IS
'A page of the changes of the spending limit of this name of a wallet, or (p_account_id NULL) of an asset, newest first, as JSON {data, pagination}; one that is unknown has none. Raises WL003, WL004, WL008, WL009.';

GRANT EXECUTE ON FUNCTION wallet.list_spending_limit_changes(uuid, uuid, text, bigint, integer)
TO wallet_service, wallet_jobs, wallet_auditor;
