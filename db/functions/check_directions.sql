-- Top-ups and bonuses come from the treasury, spends go to revenue.
CREATE OR REPLACE FUNCTION wallet.check_directions(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, type text, source_type text, dest_type text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.type::text, s.account_type::text, d.account_type::text
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE
        t.id >= p_since_id
        AND (
            s.account_type <> CASE t.type WHEN 'SPEND' THEN 'USER' ELSE 'TREASURY' END::wallet.account_type
            OR d.account_type <> CASE t.type WHEN 'SPEND' THEN 'REVENUE' ELSE 'USER' END::wallet.account_type
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_directions(uuid) IS
'Transactions that do not run between the accounts their type says. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_directions(uuid) TO wallet_service, wallet_auditor;
