-- Up to where postings are settled: every number up to the answer belongs to a transaction that has ended, and a snapshot taken
-- afterwards sees it. Whoever draws a number holds wallet.posting_gate until the transaction's end, so this waits for the holders of
-- the moment. It takes no lock, and nobody waits for it.
CREATE OR REPLACE FUNCTION wallet.settled_number(p_timeout_seconds double precision DEFAULT 10)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_deadline CONSTANT timestamptz := clock_timestamp() + make_interval(secs => p_timeout_seconds);
    v_number bigint;
    v_holders text[];
BEGIN
    SELECT CASE WHEN n.is_called THEN n.last_value ELSE 0 END INTO v_number FROM wallet.transaction_numbers AS n;
    -- After the number: who holds the gate from now on draws a higher one.
    SELECT array_agg(l.virtualtransaction) INTO v_holders
    FROM pg_locks AS l
    WHERE
        l.locktype = 'relation' AND l.relation = 'wallet.posting_gate'::regclass AND l.granted
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
        AND l.pid IS DISTINCT FROM pg_backend_pid();
    WHILE EXISTS (
        SELECT 1 FROM pg_locks AS l
        WHERE
            l.virtualtransaction = ANY(v_holders) AND l.locktype = 'relation' AND l.relation = 'wallet.posting_gate'::regclass
            AND l.granted AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    ) LOOP
        IF clock_timestamp() > v_deadline THEN
            RAISE EXCEPTION 'A transaction that posts has been open for more than % s.', p_timeout_seconds
            USING ERRCODE = 'lock_not_available', HINT = 'Try again when it has ended: pg_stat_activity, xact_start.';
        END IF;
        PERFORM pg_sleep(0.005);
    END LOOP;
    RETURN v_number;
END;
$$;

COMMENT ON FUNCTION wallet.settled_number(double precision) IS
'The highest posting number drawn so far, once every transaction that may have drawn one up to it has ended. Blocks nobody. Raises 55P03 when one is still open after p_timeout_seconds.';

GRANT EXECUTE ON FUNCTION wallet.settled_number(double precision) TO wallet_service;
