-- The answer to what made or voided a hold. It is the same when the key is sent again later, whatever has become of the hold.
CREATE OR REPLACE FUNCTION wallet.hold_answer_json(p_id uuid)
RETURNS json
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_hold wallet.holds;
BEGIN
    SELECT * INTO v_hold FROM wallet.hold_of(p_id);
    IF v_hold.id = p_id THEN
        v_hold.state := 'ACTIVE';
        v_hold.closed_at := NULL;
        v_hold.captured := 0;
        v_hold.capture_id := NULL;
    END IF;
    RETURN CASE WHEN v_hold.id IS NOT NULL THEN wallet.hold_json(v_hold, v_hold.created_at) END;
END;
$$;

COMMENT ON FUNCTION wallet.hold_answer_json(uuid) IS
'The hold with this id as it was made, or the one whose void has this id, as JSON; NULL when there is none.';
