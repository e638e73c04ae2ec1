-- One account, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.get_account(p_account_id uuid)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer json;
BEGIN
    SELECT r.answer INTO v_answer FROM wallet.read_accounts(ARRAY[p_account_id]) AS r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Account not found.' USING ERRCODE = 'WL003';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION wallet.get_account(uuid) IS 'The account with this id as JSON. Raises WL003 when there is none.';

GRANT EXECUTE ON FUNCTION wallet.get_account(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
