-- A system account over all its stripes.
CREATE OR REPLACE FUNCTION wallet.sum_stripes(
    p_asset_type_id uuid,
    p_account_type wallet.account_type,
    OUT balance numeric,
    OUT version bigint,
    OUT updated_at timestamptz
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    SELECT sum(a.balance), sum(a.version), max(a.updated_at)
    INTO balance, version, updated_at
    FROM wallet.accounts AS a
    WHERE a.asset_type_id = p_asset_type_id AND a.account_type = p_account_type AND a.account_type <> 'USER';
END;
$$;

COMMENT ON FUNCTION wallet.sum_stripes(uuid, wallet.account_type) IS
'Balance, count of entries and last change of a system account, over all its stripes.';
