-- Which fields of a line are to blame for validation_failed; the amount when it is no other.
CREATE OR REPLACE FUNCTION wallet.line_problems(
    p_type text,
    p_account_id uuid,
    p_asset_type_id uuid,
    p_reference_id text,
    p_description text,
    p_metadata jsonb
)
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
                'referenceId', CASE WHEN length(p_reference_id) > 65536 THEN '["Must be at most 65536 characters."]'::jsonb END,
                'description', CASE WHEN length(p_description) > 65536 THEN '["Must be at most 65536 characters."]'::jsonb END,
                'metadata', CASE
                    WHEN
                        jsonb_typeof(p_metadata) <> 'object' OR pg_column_size(p_metadata) > 65536
                        OR jsonb_path_exists(p_metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")')
                        THEN '["Must be a JSON object of at most 64 KiB and 32 levels."]'::jsonb
                END
            )),
            '{}'
        ),
        '{"amount": ["Must be more than zero, with at most 14 digits before the point and at most the asset''s number of decimals after it."]}'
    )
$$;

COMMENT ON FUNCTION wallet.line_problems(text, uuid, uuid, text, text, jsonb) IS
'The details of a validation_failed answer of wallet.post: {field: [sentence]}.';
