-- Which fields of a line are to blame for validation_failed; the amount when it is no other.
CREATE OR REPLACE FUNCTION wallet.line_problems(p_type text, p_account_id uuid, p_asset_type_id uuid, p_metadata jsonb)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(
            jsonb_strip_nulls(jsonb_build_object(
                'type', CASE
                    WHEN p_type IS NULL OR p_type NOT IN ('TOP_UP', 'BONUS', 'SPEND')
                        THEN '["Must be TOP_UP, BONUS or SPEND."]'::jsonb
                END,
                'accountId', CASE WHEN p_account_id IS NULL THEN '["Is required."]'::jsonb END,
                'assetTypeId', CASE WHEN p_asset_type_id IS NULL THEN '["Is required."]'::jsonb END,
                'metadata', CASE WHEN jsonb_typeof(p_metadata) <> 'object' THEN '["Must be a JSON object."]'::jsonb END
            )),
            '{}'
        ),
        '{"amount": ["Must be more than zero, with at most 14 digits before the point and at most the asset''s number of decimals after it."]}'
    )
$$;

COMMENT ON FUNCTION wallet.line_problems(text, uuid, uuid, jsonb) IS
'The details of a validation_failed answer of wallet.post: {field: [sentence]}.';
