-- Up to where the event feed is complete: every number up to the answer belongs to a transaction that has ended, or to none, and a
-- snapshot taken afterwards sees it. It waits for nobody: an open transaction holds back only what comes after its mark.
--
-- The order of the two steps is what makes it right. Who draws a number up to v_number had left its mark before, so the mark is found,
-- unless its transaction has ended; and the locks of a transaction go after its rows can be seen.
CREATE OR REPLACE FUNCTION wallet.event_horizon()
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_number bigint;
    v_marked bigint;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'A standby does not know which transactions are open on its primary.'
        USING ERRCODE = 'read_only_sql_transaction', HINT = 'Read the events from the primary.';
    END IF;
    v_number := coalesce(pg_sequence_last_value('wallet.transaction_numbers'), 0);
    SELECT min((l.classid::bigint - 1073741824 << 32) + l.objid::bigint) INTO v_marked
    FROM pg_locks AS l
    WHERE
        l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.granted AND l.objsubid = 1
        AND l.classid::bigint >= 1073741824 AND l.classid::bigint < 2147483648
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
    RETURN least(v_number, v_marked);
END;
$$;

COMMENT ON FUNCTION wallet.event_horizon() IS
'The number up to which the event feed is complete: nothing up to it will appear any more. To be asked before the snapshot that reads the events. Blocks nobody. Raises 25006 on a standby.';

GRANT EXECUTE ON FUNCTION wallet.event_horizon() TO wallet_service, wallet_jobs, wallet_auditor;
