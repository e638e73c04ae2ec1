-- Which entry of a row of accounts was the last up to a posting number. Numbers are drawn under the account's lock, so entries are in
-- order of them too, and it is found by halving.
CREATE OR REPLACE FUNCTION wallet.version_of_number(p_account_id uuid, p_version bigint, p_number bigint)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_low bigint := 0;
    v_high bigint := p_version;
    v_middle bigint;
    v_number bigint;
BEGIN
    -- Every entry up to v_low has a number up to p_number, none after v_high has.
    WHILE v_low < v_high LOOP
        v_middle := v_low + (v_high - v_low + 1) / 2;
        SELECT wallet.transaction_number(e.transaction_id) INTO STRICT v_number
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_id AND e.version = v_middle;
        IF v_number <= p_number THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END;
$$;

COMMENT ON FUNCTION wallet.version_of_number(uuid, bigint, bigint) IS
'The highest version, up to p_version, whose entry is of a posting with a number up to p_number; 0 when there is none.';
