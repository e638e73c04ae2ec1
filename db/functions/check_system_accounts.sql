-- Postings need the system accounts of the asset, in every stripe, under ids that fold into one. An asset that is older than conversions
-- has no conversion account until its first one.
CREATE OR REPLACE FUNCTION wallet.check_system_accounts()
RETURNS TABLE (symbol text, account_type text, stripe_count integer, good_count bigint)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.symbol, r.account_type::text, t.stripe_count, count(a.id)
    FROM wallet.asset_types AS t
    CROSS JOIN (VALUES ('TREASURY'::wallet.account_type), ('REVENUE')) AS r (account_type)
    LEFT JOIN wallet.accounts AS m ON t.id = m.asset_type_id AND r.account_type = m.account_type AND m.stripe = 0
    LEFT JOIN wallet.accounts AS a
        ON
            t.id = a.asset_type_id
            AND r.account_type = a.account_type
            AND a.stripe < t.stripe_count
            AND a.id = wallet.system_account_id(m.id, a.stripe)
    GROUP BY t.symbol, r.account_type, t.stripe_count
    HAVING count(a.id) <> t.stripe_count
    UNION ALL
    SELECT t.symbol, 'CONVERSION', t.stripe_count, count(*) FILTER (WHERE a.id = wallet.system_account_id(t.id, a.stripe))
    FROM wallet.asset_types AS t
    JOIN wallet.accounts AS a ON t.id = a.asset_type_id AND a.account_type::text = 'CONVERSION' AND a.account_type <> 'USER'
    GROUP BY t.symbol, t.stripe_count
    HAVING count(*) > count(*) FILTER (WHERE a.id = wallet.system_account_id(t.id, a.stripe))
$$;

COMMENT ON FUNCTION wallet.check_system_accounts() IS
'System accounts of which a stripe is missing, or whose stripes have ids that do not fold into the account''s.';

GRANT EXECUTE ON FUNCTION wallet.check_system_accounts() TO wallet_service, wallet_auditor;
