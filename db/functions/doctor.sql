-- Runs every check over the whole ledger. Reads only; costs a few passes over the entries.
CREATE OR REPLACE FUNCTION wallet.doctor()
RETURNS TABLE (check_name text, severity text, problems bigint, meaning text, remedy text, example json)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_check record;
BEGIN
    FOR v_check IN SELECT * FROM wallet.doctor_checks() LOOP
        check_name := v_check.check_name;
        severity := v_check.severity;
        meaning := v_check.meaning;
        remedy := v_check.remedy;
        EXECUTE format('SELECT count(*), (min(to_jsonb(c)::text))::json FROM wallet.%I() AS c', v_check.check_name)
        INTO problems, example;
        RETURN NEXT;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.doctor() IS
'Runs every check of wallet.doctor_checks() in one snapshot: how many problems each found, and one of them as an example.';

GRANT EXECUTE ON FUNCTION wallet.doctor() TO wallet_service, wallet_auditor;
