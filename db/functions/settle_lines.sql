-- Fourth step of the posting core: decides, one line after the other, what is posted. All of it is array look-ups: no table is read, so
-- a plain loop costs about a microsecond a leg and means exactly "as if run one after the other".
--
-- A line's legs are applied in order; at the first that its cell does not allow, what was applied is taken back and the line refused.
CREATE OR REPLACE FUNCTION wallet.settle_lines(
    p_leg_starts integer[],
    p_leg_cells integer[],
    p_leg_places integer[],
    p_ceilings numeric[],
    p_credit_codes text[],
    p_owners integer[],
    p_allowances numeric[],
    p_spent_codes text[],
    INOUT floors numeric[],
    INOUT debit_codes text[],
    INOUT leg_amounts numeric[],
    INOUT codes text[],
    INOUT balances numeric[],
    INOUT versions bigint[],
    INOUT numbers bigint[],
    INOUT transaction_ids uuid[],
    OUT leg_versions bigint[],
    OUT leg_balances numeric[],
    OUT available numeric[],
    OUT posted_count integer,
    OUT refused_count integer
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count CONSTANT integer := cardinality(p_leg_starts) - 1;
    v_posted boolean[] := array_fill(FALSE, ARRAY[v_count]);
    v_owner integer;
    v_first integer;
    v_last integer;
    v_cell integer;
    v_amount numeric;
BEGIN
    leg_versions := array_fill(NULL::bigint, ARRAY[cardinality(p_leg_cells)]);
    leg_balances := array_fill(NULL::numeric, ARRAY[cardinality(p_leg_cells)]);
    available := array_fill(NULL::numeric, ARRAY[v_count]);
    posted_count := 0;
    refused_count := 0;
    FOR v_line IN 1..v_count LOOP
        CONTINUE WHEN codes[v_line] IS NOT NULL;
        v_owner := coalesce(p_owners[v_line], v_line);
        IF v_owner = 0 OR v_posted[v_owner] THEN
            codes[v_line] := 'idempotency_key_known';
            CONTINUE;
        END IF;
        v_first := p_leg_starts[v_line];
        v_last := p_leg_starts[v_line + 1] - 1;
        IF leg_amounts[v_last] IS NULL THEN
            -- All that is left of a quota, by both entries.
            leg_amounts[v_last] := -greatest(balances[p_leg_cells[v_last]], 0.0001);
            leg_amounts[v_first] := leg_amounts[v_last];
            leg_amounts[v_first + 1] := -leg_amounts[v_last];
        END IF;
        FOR v_leg IN v_first..v_last LOOP
            v_cell := p_leg_cells[v_leg];
            v_amount := leg_amounts[v_leg];
            IF p_leg_places[v_leg] = -1 THEN
                floors[v_cell] := floors[v_cell] - v_amount;
                CONTINUE WHEN v_amount > 0 OR balances[v_cell] >= floors[v_cell];
            ELSE
                balances[v_cell] := balances[v_cell] + v_amount;
                versions[v_cell] := versions[v_cell] + 1;
                leg_balances[v_leg] := balances[v_cell];
                leg_versions[v_leg] := versions[v_cell];
            END IF;
        END LOOP;
    END LOOP;
END;
$$;
