-- What is known of the doctor without running it: what it checks, and the last full run that found nothing.
CREATE OR REPLACE FUNCTION wallet.doctor_report()
RETURNS json
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
        'lastCleanRun', CASE WHEN p.number IS NOT NULL THEN json_build_object('checkedAt', wallet.instant_json(p.checked_at), 'number', p.number) END,
        'checks', (
            SELECT json_agg(json_build_object('name', c.check_name, 'severity', c.severity, 'meaning', c.meaning, 'remedy', c.remedy))
            FROM wallet.doctor_checks() AS c
        )
    )
    FROM wallet.clean_point() AS p
$$;

COMMENT ON FUNCTION wallet.doctor_report() IS
'The checks of wallet.doctor() and its newest full run that found nothing, as JSON {lastCleanRun: {checkedAt, number} or null, checks: [{name, severity, meaning, remedy}]}. Runs no check.';

GRANT EXECUTE ON FUNCTION wallet.doctor_report() TO wallet_service;
