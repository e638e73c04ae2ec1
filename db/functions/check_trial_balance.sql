-- Double entry: every credit is somebody's debit.
CREATE OR REPLACE FUNCTION wallet.check_trial_balance()
RETURNS TABLE (symbol text, debits numeric, credits numeric, balance_sum numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.symbol, b.debits, b.credits, b.balance_sum
    FROM wallet.trial_balance() AS b
    WHERE b.debits <> b.credits OR b.balance_sum <> 0
$$;

COMMENT ON FUNCTION wallet.check_trial_balance() IS
'Assets whose debits and credits differ, or whose balances do not sum to zero.';

GRANT EXECUTE ON FUNCTION wallet.check_trial_balance() TO wallet_service, wallet_auditor;
