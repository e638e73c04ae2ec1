-- The ends of a statement, once the postings in flight have ended that could still be dated within it. Where these take too long the
-- statement is given as it is, and says that it is not final: nobody is to wait for a job that dawdles.
CREATE OR REPLACE FUNCTION wallet.settled_statement_ends(
    p_account_id uuid,
    p_from timestamptz,
    p_to timestamptz,
    OUT asset_type_id uuid,
    OUT from_at timestamptz,
    OUT to_at timestamptz,
    OUT account_ids uuid[],
    OUT lows bigint[],
    OUT highs bigint[],
    OUT opening numeric,
    OUT closing numeric,
    OUT is_final boolean
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- A posting that begins from now on is dated later than this.
    v_settled_at CONSTANT timestamptz := clock_timestamp() - interval '1 microsecond';
BEGIN
    SELECT e.* INTO asset_type_id, from_at, to_at, account_ids, lows, highs, opening, closing, is_final
    FROM wallet.statement_ends(p_account_id, p_from, p_to, NULL) AS e;
    -- Where a login has another level by default, no younger snapshot can be had.
    IF is_final OR current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM wallet.settled_number(0.25);
    EXCEPTION WHEN lock_not_available THEN
        RETURN;
    END;
    -- With a snapshot that is younger than the commits that were waited for.
    SELECT e.* INTO asset_type_id, from_at, to_at, account_ids, lows, highs, opening, closing, is_final
    FROM wallet.statement_ends(p_account_id, p_from, p_to, v_settled_at) AS e;
END;
$$;

COMMENT ON FUNCTION wallet.settled_statement_ends(uuid, timestamptz, timestamptz) IS
'As wallet.statement_ends, after waiting a quarter of a second at most for postings in flight, at READ COMMITTED.';
