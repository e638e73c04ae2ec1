-- Where the next page of a statement ends, in each row of its account. Of an account in stripes a page goes up to an instant by which no
-- stripe has used up its share of the lines, so that a few look-ups per stripe find it. wallet.cut_stripes, which finds any place by
-- halving the whole history, is for where that gives no line: among the entries of one instant.
CREATE OR REPLACE FUNCTION wallet.statement_cut(p_account_ids uuid[], p_lows bigint[], p_highs bigint[], p_limit integer)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_begin CONSTANT bigint := (SELECT sum(l.version) FROM unnest(p_lows) AS l (version));
    v_share integer := greatest(p_limit / cardinality(p_account_ids), 1);
    v_at timestamptz;
    v_cuts bigint[];
    v_best bigint[] := p_lows;
    v_count bigint := 0;
BEGIN
    IF v_begin + p_limit >= (SELECT sum(h.version) FROM unnest(p_highs) AS h (version)) THEN
        RETURN p_highs;
    ELSIF cardinality(p_account_ids) = 1 THEN
        RETURN ARRAY[v_begin + p_limit];
    END IF;
    -- Where the stripes are used unevenly, larger shares still make no more lines than a page may have.
    WHILE v_count < (p_limit + 1) / 2 LOOP
        SELECT min(e.created_at) INTO v_at
        FROM unnest(p_account_ids, p_lows, p_highs) AS c (id, low, high)
        JOIN wallet.ledger_entries AS e ON c.id = e.account_id AND c.low + v_share + 1 = e.version
        WHERE c.low + v_share < c.high;
        SELECT
            array_agg(wallet.version_at(c.id, c.low, least(c.low + v_share, c.high), v_at - interval '1 microsecond') ORDER BY c.stripe)
        INTO v_cuts
        FROM unnest(p_account_ids, p_lows, p_highs) WITH ORDINALITY AS c (id, low, high, stripe);
        v_count := (SELECT sum(v.version) FROM unnest(v_cuts) AS v (version)) - v_begin;
        EXIT WHEN v_at IS NULL OR v_count > p_limit;
        v_best := v_cuts;
        v_share := v_share * 2;
    END LOOP;
    RETURN CASE WHEN v_best = p_lows THEN wallet.cut_stripes(p_account_ids, p_highs, v_begin + p_limit) ELSE v_best END;
END;
$$;

COMMENT ON FUNCTION wallet.statement_cut(uuid[], bigint[], bigint[], integer) IS
'Per row of the account, the version up to which the next at most p_limit lines of a statement go; those are its oldest after p_lows. p_highs when there are no more.';
