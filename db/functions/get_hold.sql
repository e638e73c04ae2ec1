-- One hold, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.get_hold(p_hold_id uuid)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer json;
BEGIN
    SELECT r.answer INTO v_answer FROM wallet.read_holds(ARRAY[p_hold_id]) AS r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Hold not found.' USING ERRCODE = 'WL014';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION wallet.get_hold(uuid) IS 'The hold with this id as JSON, as it is now. Raises WL014 when there is none.';

GRANT EXECUTE ON FUNCTION wallet.get_hold(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
