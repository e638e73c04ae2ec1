-- What a CHECK holds as well; here for the day on which it was dropped.
CREATE OR REPLACE FUNCTION wallet.check_account_floors()
RETURNS TABLE (account_id uuid, balance numeric, balance_min numeric, account_type text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id, a.balance, a.balance_min, a.account_type::text
    FROM wallet.accounts AS a
    WHERE
        a.balance = 'NaN' OR a.balance < a.balance_min - a.debt_max
        OR (a.balance_min IS NULL AND a.account_type::text NOT IN ('TREASURY', 'CONVERSION'))
$$;

COMMENT ON FUNCTION wallet.check_account_floors() IS
'Accounts that are below their floor now by more than their debt limit, and accounts without a floor that are no treasury and no conversion account.';

GRANT EXECUTE ON FUNCTION wallet.check_account_floors() TO wallet_service, wallet_auditor;
