-- A line of an object's history. The caller has the lock of the object's row, so the numbers have no gap.
CREATE OR REPLACE FUNCTION wallet.record_change(
    p_object_type text,
    p_object_id uuid,
    p_asset_type_id uuid,
    p_old_values jsonb,
    p_new_values jsonb,
    p_changed_by text,
    p_reason text,
    p_changed_at timestamptz
)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_old jsonb;
    v_new jsonb;
BEGIN
    SELECT jsonb_object_agg(n.key, p_old_values -> n.key), jsonb_object_agg(n.key, n.value) INTO v_old, v_new
    FROM jsonb_each(p_new_values) AS n (key, value)
    WHERE p_old_values -> n.key IS DISTINCT FROM n.value;
    IF v_new IS NULL THEN
        RETURN FALSE;
    END IF;
    PERFORM wallet.mark_numbers();
    INSERT INTO wallet.changes (
        object_type, object_id, number, asset_type_id, old_values, new_values, changed_by, reason, changed_at, event_number
    )
    SELECT
        p_object_type, p_object_id, coalesce(max(c.number), 0) + 1, p_asset_type_id, CASE WHEN p_old_values IS NOT NULL THEN v_old END,
        v_new, p_changed_by, p_reason, greatest(p_changed_at, max(c.changed_at)),
        nextval('wallet.transaction_numbers')
    FROM wallet.changes AS c
    WHERE c.object_id = p_object_id;
    RETURN TRUE;
END;
$$;

COMMENT ON FUNCTION wallet.record_change(text, uuid, uuid, jsonb, jsonb, text, text, timestamptz) IS
'Notes in wallet.changes what differs between two objects of fields (old NULL: a new object), by whom, why and when. False, and nothing is noted, when nothing differs.';
