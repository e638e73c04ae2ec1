-- Where the oldest p_rank entries of a striped account end, in each of its stripes. The whole account's entries are in order of
-- (created_at, stripe, version); that order is found by halving, without reading what lies between.
CREATE OR REPLACE FUNCTION wallet.cut_stripes(p_account_ids uuid[], p_versions bigint[], p_rank bigint)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_count CONSTANT integer := cardinality(p_account_ids);
    -- Per stripe: entries up to v_low are among the oldest p_rank, those after v_high are not.
    v_low bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_high bigint[] := p_versions;
    v_upto bigint[] := v_low;
    v_before bigint[] := v_low;
    v_widest integer;
    v_missing bigint;
    v_at timestamptz;
BEGIN
    WHILE (SELECT sum(l.version) FROM unnest(v_low) AS l (version)) < p_rank LOOP
        SELECT s.stripe INTO v_widest
        FROM unnest(v_low, v_high) WITH ORDINALITY AS s (low, high, stripe)
        ORDER BY s.high - s.low DESC, s.stripe LIMIT 1;
        SELECT e.created_at INTO STRICT v_at
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = p_account_ids[v_widest] AND e.version = v_low[v_widest] + (v_high[v_widest] - v_low[v_widest] + 1) / 2;
        FOR v_stripe IN 1..v_count LOOP
            v_upto[v_stripe] := wallet.version_at(p_account_ids[v_stripe], v_low[v_stripe], v_high[v_stripe], v_at);
        END LOOP;
        IF (SELECT sum(u.version) FROM unnest(v_upto) AS u (version)) <= p_rank THEN
            v_low := v_upto;
            CONTINUE;
        END IF;
        FOR v_stripe IN 1..v_count LOOP
            v_before[v_stripe] := wallet.version_at(
                p_account_ids[v_stripe], v_low[v_stripe], v_upto[v_stripe], v_at - interval '1 microsecond'
            );
        END LOOP;
        v_missing := p_rank - (SELECT sum(b.version) FROM unnest(v_before) AS b (version));
        IF v_missing < 0 THEN
            v_high := v_before;
            CONTINUE;
        END IF;
        -- The cut falls among the entries of this very instant: they count stripe by stripe.
        FOR v_stripe IN 1..v_count LOOP
            v_low[v_stripe] := v_before[v_stripe] + least(v_missing, v_upto[v_stripe] - v_before[v_stripe]);
            v_missing := v_missing - (v_low[v_stripe] - v_before[v_stripe]);
        END LOOP;
    END LOOP;
    RETURN v_low;
END;
$$;

COMMENT ON FUNCTION wallet.cut_stripes(uuid[], bigint[], bigint) IS
'Per stripe (ids and versions in order of stripe), the highest version that is among the account''s p_rank oldest entries.';
