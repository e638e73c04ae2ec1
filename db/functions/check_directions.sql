-- Top-ups and bonuses come from the treasury, spends go to revenue.
CREATE OR REPLACE FUNCTION wallet.check_directions()
RETURNS TABLE (transaction_id uuid, type text, source_type text, dest_type text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.id, t.type::text, s.account_type::text, d.account_type::text
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE
        s.account_type <> CASE t.type WHEN 'SPEND' THEN 'USER' ELSE 'TREASURY' END::wallet.account_type
        OR d.account_type <> CASE t.type WHEN 'SPEND' THEN 'REVENUE' ELSE 'USER' END::wallet.account_type
$$;

COMMENT ON FUNCTION wallet.check_directions() IS
'Transactions that do not run between the accounts their type says.';

GRANT EXECUTE ON FUNCTION wallet.check_directions() TO wallet_service, wallet_auditor;
