-- The balance an account had at an instant. Entries are in order of version, and their instants never step back, so the entry is
-- found by halving the versions: some twenty look-ups for a million entries.
CREATE OR REPLACE FUNCTION wallet.balance_at(p_account_id uuid, p_at timestamptz)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_low bigint := 0;
    v_high wallet.accounts.version%TYPE;
    v_middle bigint;
    v_entry wallet.ledger_entries;
    v_balance wallet.ledger_entries.balance_after%TYPE := 0;
BEGIN
    SELECT a.version INTO v_high FROM wallet.accounts AS a WHERE a.id = p_account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Account not found.' USING ERRCODE = 'WL003';
    END IF;
    -- Every entry up to v_low was made by then, none after v_high was.
    WHILE v_low < v_high LOOP
        v_middle := v_low + (v_high - v_low + 1) / 2;
        SELECT * INTO STRICT v_entry FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_id AND e.version = v_middle;
        IF v_entry.created_at <= p_at THEN
            v_low := v_middle;
            v_balance := v_entry.balance_after;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_balance;
END;
$$;

COMMENT ON FUNCTION wallet.balance_at(uuid, timestamptz) IS
'The account''s balance after its last entry made at or before the instant; 0 before the first. Raises WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.balance_at(uuid, timestamptz) TO wallet_service, wallet_jobs, wallet_auditor;
