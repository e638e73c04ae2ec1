-- One transaction, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.get_transaction(p_transaction_id uuid)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer json;
BEGIN
    SELECT r.answer INTO v_answer FROM wallet.read_transactions(ARRAY[p_transaction_id]) AS r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Transaction not found.' USING ERRCODE = 'WL005';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION wallet.get_transaction(uuid) IS 'The transaction with this id as JSON. Raises WL005 when there is none.';

GRANT EXECUTE ON FUNCTION wallet.get_transaction(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
