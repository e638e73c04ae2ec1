-- One balance, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.get_balance(p_account_id uuid)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_balance wallet.accounts.balance%TYPE;
BEGIN
    SELECT a.balance INTO v_balance FROM wallet.accounts AS a WHERE a.id = p_account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Account not found.' USING ERRCODE = 'WL003';
    END IF;
    RETURN v_balance;
END;
$$;

COMMENT ON FUNCTION wallet.get_balance(uuid) IS 'The balance of an account. Raises WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.get_balance(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
