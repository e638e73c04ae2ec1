-- Fourth step of wallet.post: decides, one line after the other, what is posted. All of it is array look-ups: no table is read, so a
-- plain loop costs about a microsecond a line and means exactly "as if run one after the other".
CREATE OR REPLACE FUNCTION wallet.settle_lines(
    p_amounts numeric[],
    p_source_indexes integer[],
    p_dest_indexes integer[],
    p_balance_mins numeric[],
    p_owners integer[],
    INOUT codes text[],
    INOUT balances numeric[],
    INOUT versions bigint[],
    INOUT numbers bigint[],
    INOUT transaction_ids uuid[],
    OUT source_versions bigint[],
    OUT dest_versions bigint[],
    OUT source_balances numeric[],
    OUT dest_balances numeric[],
    OUT available numeric[],
    OUT moved_count integer
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count CONSTANT integer := cardinality(p_amounts);
    v_versions_before CONSTANT bigint[] := versions;
    v_posted boolean[] := array_fill(FALSE, ARRAY[v_count]);
    v_owner integer;
    v_source integer;
    v_dest integer;
BEGIN
    source_versions := array_fill(NULL::bigint, ARRAY[v_count]);
    dest_versions := source_versions;
    source_balances := array_fill(NULL::numeric, ARRAY[v_count]);
    dest_balances := source_balances;
    available := source_balances;
    moved_count := 0;
    FOR v_line IN 1..v_count LOOP
        CONTINUE WHEN codes[v_line] IS NOT NULL;
        v_owner := coalesce(p_owners[v_line], v_line);
        IF v_owner = 0 OR v_posted[v_owner] THEN
            codes[v_line] := 'idempotency_key_known';
            CONTINUE;
        END IF;
        v_source := p_source_indexes[v_line];
        v_dest := p_dest_indexes[v_line];
        IF balances[v_source] - p_amounts[v_line] < p_balance_mins[v_source] THEN
            codes[v_line] := 'insufficient_balance';
            available[v_line] := balances[v_source] - p_balance_mins[v_source];
            CONTINUE;
        END IF;
        v_posted[v_owner] := TRUE;
        IF v_owner <> v_line THEN
            -- An earlier line with this key was refused, so its claim passes on.
            numbers[v_line] := numbers[v_owner];
            transaction_ids[v_line] := transaction_ids[v_owner];
        END IF;
        moved_count := moved_count
            + (versions[v_source] = v_versions_before[v_source])::integer + (versions[v_dest] = v_versions_before[v_dest])::integer;
        balances[v_source] := balances[v_source] - p_amounts[v_line];
        versions[v_source] := versions[v_source] + 1;
        source_balances[v_line] := balances[v_source];
        source_versions[v_line] := versions[v_source];
        balances[v_dest] := balances[v_dest] + p_amounts[v_line];
        versions[v_dest] := versions[v_dest] + 1;
        dest_balances[v_line] := balances[v_dest];
        dest_versions[v_line] := versions[v_dest];
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.settle_lines(
    numeric[], integer[], integer[], numeric[], integer[], text[], numeric[], bigint[], bigint[], uuid[]
) IS
'Accepts or refuses each line in order against running balances. Gives the accounts'' new balances and versions, how many accounts moved, and per line the code of a refusal or the versions and balances it made.';
