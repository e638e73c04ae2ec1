-- Whoever draws from wallet.transaction_numbers calls this first. It leaves a mark until the transaction's end: an advisory lock whose
-- key says that no number up to it will be drawn. wallet.event_horizon() looks for the lowest mark, so that the event feed shows what no
-- open transaction can still come before. It never waits, and nobody waits for it.
CREATE OR REPLACE FUNCTION wallet.mark_numbers()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key bigint;
BEGIN
    -- One mark is enough for a transaction, however many numbers it draws: a lock for each call could fill the server's table of locks.
    -- The setting is undone together with the lock, also by a savepoint, and means nothing in another transaction.
    IF current_setting('wallet.numbers_marked_by', TRUE) IS NOT DISTINCT FROM pg_current_xact_id()::text THEN
        RETURN;
    END IF;
    v_key := 4611686018427387904 + coalesce(pg_sequence_last_value('wallet.transaction_numbers'), 0);
    -- A lower mark is as true. Only somebody who locks such keys for himself can be in the way, and he shall not stop a posting.
    WHILE NOT pg_try_advisory_xact_lock_shared(v_key) LOOP
        v_key := v_key - 1;
    END LOOP;
    PERFORM set_config('wallet.numbers_marked_by', pg_current_xact_id()::text, TRUE);
END;
$$;

COMMENT ON FUNCTION wallet.mark_numbers() IS
'Marks, until the end of the transaction, below which number it draws none from wallet.transaction_numbers: a shared advisory lock of 2^62 and that number. To be called before a number is drawn.';
