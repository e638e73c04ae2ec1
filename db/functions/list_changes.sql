-- The history of an object. The changes are numbered per object, so a page is a range of numbers.
CREATE OR REPLACE FUNCTION wallet.list_changes(p_object_id uuid, p_page bigint DEFAULT 1, p_limit integer DEFAULT 20)
RETURNS json
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_limit CONSTANT bigint := least(greatest(p_limit, 1), 100);
    v_page CONSTANT bigint := least(greatest(p_page, 1), 2147483647);
    v_total CONSTANT bigint := (SELECT coalesce(max(c.number), 0) FROM wallet.changes AS c WHERE c.object_id = p_object_id);
    v_rows text;
BEGIN
    SELECT string_agg(json_build_object(
        'number', c.number,
        'changedAt', wallet.instant_json(c.changed_at),
        'changedBy', c.changed_by,
        'reason', c.reason,
        'before', c.old_values,
        'after', c.new_values
    )::text, ',' ORDER BY c.number DESC) INTO v_rows
    FROM wallet.changes AS c
    WHERE
        c.object_id = p_object_id
        AND c.number <= v_total - (v_page - 1) * v_limit AND c.number > v_total - v_page * v_limit;
    RETURN wallet.page_json(v_rows, v_page, v_limit, v_total);
END;
$$;

COMMENT ON FUNCTION wallet.list_changes(uuid, bigint, integer) IS
'A page of the changes of an object, newest first, as JSON {data, pagination}; one that is unknown has none.';
