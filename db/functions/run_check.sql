-- One check of the doctor: how many problems, and one of them.
CREATE OR REPLACE FUNCTION wallet.run_check(p_check_name text, p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (problems bigint, example json)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scope text;
BEGIN
    SELECT c.scope INTO v_scope FROM wallet.doctor_checks() AS c WHERE c.check_name = p_check_name;
    IF v_scope IS NULL THEN
        RAISE EXCEPTION 'There is no check %.', p_check_name USING ERRCODE = 'undefined_function';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT count(*), (min(to_jsonb(c)::text))::json FROM wallet.%I(%s) AS c',
        p_check_name, CASE v_scope WHEN 'since' THEN quote_literal(p_since_id) ELSE '' END
    );
END;
$$;

COMMENT ON FUNCTION wallet.run_check(text, uuid) IS
'Runs a check of wallet.doctor_checks(): how many problems it found, and one of them as an example. p_since_id: for the checks of scope since, the transaction id from which on to look.';

GRANT EXECUTE ON FUNCTION wallet.run_check(text, uuid) TO wallet_service, wallet_auditor;
