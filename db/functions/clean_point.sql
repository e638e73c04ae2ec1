-- Where a quick run of the doctor begins.
CREATE OR REPLACE FUNCTION wallet.clean_point(OUT number bigint, OUT since_id uuid, OUT checked_at timestamptz)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.number, wallet.transaction_id(r.number + 1, '00000000-0000-0000-0000-000000000000'), r.checked_at
    FROM wallet.doctor_runs AS r
    ORDER BY r.run DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION wallet.clean_point() IS
'The newest full run of the doctor that found nothing: the posting number up to which everything was checked, and the lowest transaction id after it. All NULL when there was none.';

GRANT EXECUTE ON FUNCTION wallet.clean_point() TO wallet_service, wallet_auditor;
