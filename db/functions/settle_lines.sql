-- Fourth step of the posting core: decides, one line after the other, what is posted. All of it is array look-ups: no table is read, so
-- a plain loop costs about a microsecond a leg and means exactly "as if run one after the other".
--
-- A line's legs are applied in order (NULL floors and ceilings allow all); at the first that its cell does not allow, what was applied is taken back and the line refused.
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
    OUT leg_versions bigint[],
    OUT leg_balances numeric[],
    OUT available numeric[],
    OUT refused_legs integer[]
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
    refused_legs := array_fill(NULL::integer, ARRAY[v_count]);
    FOR v_line IN 1..v_count LOOP
        CONTINUE WHEN codes[v_line] IS NOT NULL;
        v_owner := coalesce(p_owners[v_line], v_line);
        IF v_owner = 0 OR v_posted[v_owner] THEN
            codes[v_line] := 'idempotency_key_known';
            CONTINUE;
        END IF;
        v_first := p_leg_starts[v_line];
        v_last := p_leg_starts[v_line + 1] - 1;
        IF leg_amounts[v_first] IS NULL THEN
            -- All that is left of a quota, by both entries and what they give back to budgets.
            leg_amounts[v_first] := -greatest(balances[p_leg_cells[v_first]], 0.0001);
            leg_amounts[v_first + 1] := leg_amounts[v_first];
            leg_amounts[v_first + 2:v_last] := array_fill(-leg_amounts[v_first], ARRAY[v_last - v_first - 1]);
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
                CONTINUE WHEN CASE
                    WHEN v_amount > 0 THEN balances[v_cell] <= p_ceilings[v_cell]
                    ELSE balances[v_cell] >= floors[v_cell]
                        - CASE WHEN p_leg_places[v_leg] = 0 THEN 0 ELSE coalesce(p_allowances[v_line], 0) END
                END IS NOT FALSE;
            END IF;
            codes[v_line] := CASE WHEN v_amount > 0 THEN p_credit_codes[v_cell] ELSE debit_codes[v_cell] END;
            refused_legs[v_line] := v_leg;
            available[v_line] := balances[v_cell] - v_amount - CASE WHEN v_amount > 0 THEN p_ceilings[v_cell] ELSE floors[v_cell] END;
            FOR v_undo IN v_first..v_leg LOOP
                v_cell := p_leg_cells[v_undo];
                IF p_leg_places[v_undo] = -1 THEN
                    floors[v_cell] := floors[v_cell] + leg_amounts[v_undo];
                ELSE
                    balances[v_cell] := balances[v_cell] - leg_amounts[v_undo];
                    versions[v_cell] := versions[v_cell] - 1;
                    leg_versions[v_undo] := NULL;
                END IF;
            END LOOP;
            EXIT;
        END LOOP;
        CONTINUE WHEN codes[v_line] IS NOT NULL;
        v_posted[v_owner] := TRUE;
        IF p_spent_codes[v_line] IS NOT NULL THEN
            debit_codes[p_leg_cells[v_first]] := p_spent_codes[v_line];
        END IF;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.settle_lines(
    integer[], integer[], integer[], numeric[], text[], integer[], numeric[], text[],
    numeric[], text[], numeric[], text[], numeric[], bigint[]
) IS
'Accepts or refuses each line in order against running balances, floors and quotas. Gives the accounts'' new balances and versions, per leg the version and balance it made, per line the code of a refusal, the leg that was refused and what was available.';
