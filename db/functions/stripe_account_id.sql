-- The stripe of a system account that a wallet meets: always the same one.
CREATE OR REPLACE FUNCTION wallet.stripe_account_id(
    p_asset_type_id uuid, p_account_type wallet.account_type, p_account_id uuid, p_stripe_count smallint
)
RETURNS uuid
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.id
    FROM wallet.accounts AS s
    WHERE
        s.asset_type_id = p_asset_type_id AND s.account_type = p_account_type AND s.account_type <> 'USER'
        AND s.stripe = (uuid_hash(p_account_id) & 2147483647) % p_stripe_count
$$;

COMMENT ON FUNCTION wallet.stripe_account_id(uuid, wallet.account_type, uuid, smallint) IS
'The id of the row of an asset''s system account that serves the given wallet; NULL when there is none. wallet.resolve_lines has the same rule in its join.';
