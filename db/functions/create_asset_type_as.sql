-- A new asset type over HTTP: its fields are checked, its key is kept, and a symbol that is taken is refused.
CREATE OR REPLACE FUNCTION wallet.create_asset_type_as(p_values jsonb, p_idempotency_key text, p_created_by text)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset_type wallet.asset_types;
    v_answer wallet.keyed_answer;
    v_decimals CONSTANT jsonb := coalesce(p_values -> 'decimals', '4');
    v_details CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object(
        'symbol', CASE WHEN p_values ->> 'symbol' !~ '^[A-Z][A-Z0-9]{0,15}$'
            THEN '["Must be A to Z first, then letters and digits, 1 to 16 characters."]'::jsonb
            WHEN p_values ->> 'symbol' IS NULL THEN '["Is required."]' END,
        'name', CASE WHEN length(p_values ->> 'name') BETWEEN 1 AND 255 IS NOT TRUE THEN '["Must be 1 to 255 characters."]'::jsonb END,
        'description', CASE WHEN length(p_values ->> 'description') > 65536 THEN '["Must be at most 65536 characters."]'::jsonb END,
        'decimals', CASE WHEN v_decimals NOT IN ('0', '1', '2', '3', '4') THEN '["Must be 0 to 4."]'::jsonb END
    ));
BEGIN
    IF v_details <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
    v_asset_type.id := gen_random_uuid();
    v_asset_type.symbol := p_values ->> 'symbol';
    v_asset_type.name := p_values ->> 'name';
    v_asset_type.description := p_values ->> 'description';
    v_asset_type.decimals := v_decimals;
    v_asset_type.is_active := TRUE;
    v_asset_type.created_at := clock_timestamp();
    v_asset_type.updated_at := v_asset_type.created_at;
    v_answer := wallet.claim_request(
        p_idempotency_key, NULL, v_asset_type.id,
        jsonb_build_object(
            'operation', 'CREATE_ASSET_TYPE', 'symbol', v_asset_type.symbol, 'name', v_asset_type.name,
            'description', v_asset_type.description, 'decimals', v_asset_type.decimals
        ),
        wallet.asset_type_json(v_asset_type)
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    IF NOT wallet.make_asset_type(v_asset_type, p_created_by) THEN
        RAISE EXCEPTION '%', wallet.refusal_error('symbol_taken', NULL, NULL) USING ERRCODE = 'WL030';
    END IF;
    RETURN ROW(FALSE, wallet.asset_type_json(v_asset_type))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.create_asset_type_as(jsonb, text, text) IS
'Creates an asset type from an object with symbol, name, description and decimals, and gives it as JSON. The same key and request again give the first answer, replayed. Raises WL001, WL002, WL011, WL030 (the symbol is taken).';
