-- Which entry of a row of accounts was the last at an instant. Entries are in order of version and their instants never step back, so it
-- is found by halving: some twenty look-ups among a million entries.
CREATE OR REPLACE FUNCTION wallet.version_at(p_account_id uuid, p_low bigint, p_high bigint, p_at timestamptz)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_low bigint := p_low;
    v_high bigint := p_high;
    v_middle bigint;
    v_created_at wallet.ledger_entries.created_at%TYPE;
BEGIN
    -- Every entry up to v_low was made by then, none after v_high was.
    WHILE v_low < v_high LOOP
        v_middle := v_low + (v_high - v_low + 1) / 2;
        SELECT e.created_at INTO STRICT v_created_at
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_id AND e.version = v_middle;
        IF v_created_at <= p_at THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END;
$$;

COMMENT ON FUNCTION wallet.version_at(uuid, bigint, bigint, timestamptz) IS
'The highest version whose entry was made at or before the instant, among versions above p_low and up to p_high; p_low when there is none.';
