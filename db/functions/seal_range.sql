-- Seals what comes after the newest seal, up to a posting number. Off the posting path: postings neither wait nor know.
CREATE OR REPLACE FUNCTION wallet.seal_range(p_day date, p_number_to bigint)
RETURNS TABLE (seal bigint, day date, sha256 text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_seal bigint;
    v_number bigint;
    v_number_from bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- The snapshot may be older than the end of a posting that has a number in the range.
        RAISE EXCEPTION 'Seals are made at READ COMMITTED only.' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    LOCK TABLE wallet.seals IN SHARE ROW EXCLUSIVE MODE;
    SELECT coalesce(max(s.seal), 0) + 1, coalesce(max(s.number_to), -1) + 1 INTO v_seal, v_number_from FROM wallet.seals AS s;
    IF p_number_to < v_number_from THEN
        RETURN;
    END IF;
    IF p_day > (clock_timestamp() AT TIME ZONE 'UTC')::date OR p_day < (SELECT max(s.day) FROM wallet.seals AS s) THEN
        RAISE EXCEPTION 'Day % is before the day of the newest seal, or yet to come.', p_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_number_to > wallet.settled_number() THEN
        RAISE EXCEPTION 'Posting number % is not drawn yet.', p_number_to USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Else pages that no vacuum has seen yet are read for every chunk.
    PERFORM brin_summarize_new_values('wallet.ledger_entries_transaction_brin');
    v_number := v_number_from;
    WHILE v_number <= p_number_to LOOP
        INSERT INTO wallet.seal_blocks (seal, block, sha256, offsets, legs, hints)
        SELECT v_seal, b.block, b.sha256, b.offsets, b.legs, b.hints
        FROM wallet.sealed_blocks(v_number, least(v_number | 16383, p_number_to)) AS b;
        v_number := (v_number | 16383) + 1;
    END LOOP;
    RETURN QUERY
    INSERT INTO wallet.seals AS s (seal, encoding, day, number_from, number_to, row_count, sealed_at, sha256)
    SELECT v.*, wallet.seal_sha256(v.seal, v.encoding, v.day, v.number_from, v.number_to, v.row_count, v.sealed_at)
    FROM (
        SELECT
            v_seal, 1::smallint, p_day, v_number_from, p_number_to,
            (SELECT coalesce(sum(cardinality(b.hints)), 0)::bigint FROM wallet.seal_blocks AS b WHERE b.seal = v_seal),
            clock_timestamp()
    ) AS v (seal, encoding, day, number_from, number_to, row_count, sealed_at)
    RETURNING s.seal, s.day, encode(s.sha256, 'hex');
END;
$$;

COMMENT ON FUNCTION wallet.seal_range(date, bigint) IS
'Makes the next seal: up to and with posting number p_number_to, named after the day that is closed with it. Gives the line to keep outside; no row when that number is sealed already. Raises 22023 for a day before the newest seal''s or yet to come, and for a number that is not drawn; 55P03 when a posting is in flight for too long, 25000 at another level than READ COMMITTED.';

GRANT EXECUTE ON FUNCTION wallet.seal_range(date, bigint) TO wallet_service;
