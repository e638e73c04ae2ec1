-- One balance, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.get_balance(p_account_id uuid)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT sum(a.balance) FROM wallet.stripes_of(p_account_id) AS a);
END;
$$;

COMMENT ON FUNCTION wallet.get_balance(uuid) IS 'The balance of an account. Raises WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.get_balance(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
