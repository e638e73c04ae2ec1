-- How long to wait after an attempt that failed: 5 s, three times as long each time, 12 hours at most, and a tenth more or less, so that
-- what failed together does not come back together.
CREATE OR REPLACE FUNCTION wallet.retry_delay(p_attempts integer)
RETURNS interval
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT make_interval(secs => least(5 * 3::double precision ^ (least(p_attempts, 20) - 1), 43200) * (0.9 + 0.2 * random()))
$$;

COMMENT ON FUNCTION wallet.retry_delay(integer) IS
'The pause after the attempt with this number, from 1.';
