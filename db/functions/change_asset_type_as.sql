-- Renames an asset type, or switches it off or on. It waits for the postings under way and holds new ones up, for a moment: once it has
-- answered, no posting goes on that saw the asset as it was before.
CREATE OR REPLACE FUNCTION wallet.change_asset_type_as(
    p_asset_type_id uuid,
    p_values jsonb,
    p_reason text,
    p_idempotency_key text,
    p_changed_by text
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset_type wallet.asset_types;
    v_settings jsonb;
    v_answer wallet.keyed_answer;
BEGIN
    IF p_asset_type_id IS NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"id": ["Is required."]}';
    END IF;
    PERFORM wallet.check_change('ASSET_TYPE', p_values, p_reason);
    LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE;
    SELECT * INTO v_asset_type FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id FOR NO KEY UPDATE;
    v_settings := jsonb_build_object(
        'name', v_asset_type.name, 'description', v_asset_type.description, 'isActive', v_asset_type.is_active
    );
    IF v_settings IS DISTINCT FROM v_settings || p_values THEN
        v_asset_type.name := (v_settings || p_values) ->> 'name';
        v_asset_type.description := (v_settings || p_values) ->> 'description';
        v_asset_type.is_active := (v_settings || p_values) ->> 'isActive';
        v_asset_type.updated_at := greatest(clock_timestamp(), v_asset_type.updated_at);
    END IF;
    v_answer := wallet.claim_request(
        p_idempotency_key, NULL, p_asset_type_id,
        jsonb_build_object('operation', 'CHANGE_ASSET_TYPE', 'id', p_asset_type_id, 'reason', p_reason) || p_values,
        wallet.asset_type_json(v_asset_type)
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    IF v_asset_type.id IS NULL THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    IF wallet.record_change(
        'ASSET_TYPE', p_asset_type_id, p_asset_type_id, v_settings, v_settings || p_values, p_changed_by, p_reason,
        v_asset_type.updated_at
    ) THEN
        UPDATE wallet.asset_types
        SET
            name = v_asset_type.name, description = v_asset_type.description, is_active = v_asset_type.is_active,
            updated_at = v_asset_type.updated_at
        WHERE id = p_asset_type_id;
    END IF;
    RETURN ROW(FALSE, wallet.asset_type_json(v_asset_type))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.change_asset_type_as(uuid, jsonb, text, text, text) IS
'wallet.change_asset_type with who changes it. Nobody may call it but the routines that know who that is.';
