-- Runs every check over the whole ledger. Reads only; costs a few passes over the entries.
CREATE OR REPLACE FUNCTION wallet.doctor()
RETURNS TABLE (check_name text, severity text, problems bigint, meaning text, remedy text, example json)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.check_name, c.severity, r.problems, c.meaning, c.remedy, r.example
    FROM wallet.doctor_checks() AS c
    CROSS JOIN LATERAL wallet.run_check(c.check_name) AS r
$$;

COMMENT ON FUNCTION wallet.doctor() IS
'Runs every check of wallet.doctor_checks() in one snapshot: how many problems each found, and one of them as an example.';

GRANT EXECUTE ON FUNCTION wallet.doctor() TO wallet_service, wallet_auditor;
