-- The fields of a new account, all of them at once, so that a caller learns everything that is wrong.
CREATE OR REPLACE FUNCTION wallet.check_account_fields(
    p_name text,
    p_asset_type_id uuid,
    p_external_id text,
    p_email text,
    p_owner_id text
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_details CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object(
        'name', CASE WHEN p_name IS NULL OR length(p_name) NOT BETWEEN 1 AND 255 THEN '["Must be 1 to 255 characters."]'::jsonb END,
        'assetTypeId', CASE WHEN p_asset_type_id IS NULL THEN '["Is required."]'::jsonb END,
        'externalId', CASE WHEN length(p_external_id) NOT BETWEEN 1 AND 255 THEN '["Must be 1 to 255 characters."]'::jsonb END,
        'email', CASE WHEN length(p_email) NOT BETWEEN 3 AND 320 THEN '["Must be 3 to 320 characters."]'::jsonb END,
        'ownerId', CASE WHEN length(p_owner_id) NOT BETWEEN 1 AND 255 THEN '["Must be 1 to 255 characters."]'::jsonb END
    ));
BEGIN
    IF v_details <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.check_account_fields(text, uuid, text, text, text) IS
'Raises WL001 with {field: [sentence]} in DETAIL when a field of a new account is missing or too long.';
