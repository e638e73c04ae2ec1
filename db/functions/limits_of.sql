-- The spending limits that a wallet must keep. An SQL-standard body, so that it is inlined.
CREATE OR REPLACE FUNCTION wallet.limits_of(p_asset_type_id uuid, p_account_id uuid)
RETURNS SETOF wallet.spending_limits
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT s.* FROM wallet.spending_limits AS s
    WHERE s.asset_type_id = p_asset_type_id AND s.account_id IS NULL
    UNION ALL
    SELECT s.* FROM wallet.spending_limits AS s
    WHERE s.asset_type_id = p_asset_type_id AND s.account_id = p_account_id;
END;

COMMENT ON FUNCTION wallet.limits_of(uuid, uuid) IS 'The asset''s limits, and the wallet''s own.';
