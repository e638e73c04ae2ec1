-- Notes a full run of the doctor that found nothing. The number comes from wallet.settled_number(), asked before the run's snapshot.
CREATE OR REPLACE FUNCTION wallet.record_clean_run(p_number bigint)
RETURNS void
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO wallet.doctor_runs (number)
    SELECT p_number FROM wallet.transaction_numbers AS n WHERE p_number <= n.last_value
$$;

COMMENT ON FUNCTION wallet.record_clean_run(bigint) IS
'Notes that a full run of the doctor, in a snapshot taken after wallet.settled_number() gave p_number, found nothing.';

GRANT EXECUTE ON FUNCTION wallet.record_clean_run(bigint) TO wallet_service;
