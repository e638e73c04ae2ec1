-- Which fields of a line are to blame for validation_failed; the amount when it is no other.
CREATE OR REPLACE FUNCTION wallet.line_problems(
    p_type text,
    p_account_id uuid,
    p_dest_account_id uuid,
    p_asset_type_id uuid,
    p_reference_id text,
    p_description text,
    p_metadata jsonb,
    p_request jsonb
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
                    WHEN p_type IS NULL OR p_type NOT IN (
                        'TOP_UP', 'BONUS', 'SPEND', 'TRANSFER', 'JOURNAL', 'REFUND', 'HOLD', 'CAPTURE', 'VOID', 'CONVERSION'
                    ) THEN '["Is no kind of operation."]'::jsonb
                END,
                CASE WHEN p_type IN ('TRANSFER', 'CONVERSION') THEN 'fromAccountId' ELSE 'accountId' END,
                CASE WHEN p_account_id IS NULL AND (p_type IN ('JOURNAL', 'REFUND', 'CAPTURE', 'VOID')) IS NOT TRUE THEN '["Is required."]'::jsonb END,
                'toAccountId', CASE
                    WHEN p_type = 'TRANSFER' AND p_dest_account_id IS NULL THEN '["Is required."]'::jsonb
                    WHEN p_type = 'CONVERSION' AND p_request ->> 'toAccountId' IS NULL THEN '["Is required."]'
                    WHEN p_account_id = coalesce((p_request ->> 'toAccountId')::uuid, p_dest_account_id)
                        AND p_type IN ('TRANSFER', 'HOLD', 'CONVERSION') THEN '["Must be another account."]'
                END,
                'assetTypeId', CASE
                    WHEN p_asset_type_id IS NULL AND (p_type IN ('REFUND', 'CAPTURE', 'VOID', 'CONVERSION')) IS NOT TRUE THEN '["Is required."]'::jsonb
                END,
                'campaign', CASE
                    WHEN p_type NOT IN ('TOP_UP', 'BONUS') AND p_request ? 'campaign' THEN '["Only top-ups and bonuses have one."]'::jsonb
                    WHEN p_request ->> 'campaign' = '' THEN '["Must not be empty."]'
                END,
                'transactionId', CASE WHEN p_type = 'REFUND' AND p_request ->> 'transactionId' IS NULL THEN '["Is required."]'::jsonb END,
                'holdId', CASE WHEN p_type IN ('CAPTURE', 'VOID') AND p_request ->> 'holdId' IS NULL THEN '["Is required."]'::jsonb END,
                'onShortfall', CASE
                    WHEN p_request ->> 'onShortfall' NOT IN ('refuse', 'debt') THEN '["Must be refuse or debt."]'::jsonb
                END,
                'rate', CASE
                    WHEN p_type = 'CONVERSION' AND (
                        (p_request ->> 'rate')::numeric > 0 AND (p_request ->> 'rate')::numeric < 1000000000
                        AND (p_request ->> 'rate')::numeric = round((p_request ->> 'rate')::numeric, 12)
                    ) IS NOT TRUE THEN '["Must be more than zero and less than 1000000000, with at most 12 decimals."]'::jsonb
                END,
                'entries', CASE
                    WHEN p_type = 'JOURNAL' AND wallet.journal_problem(p_request -> 'entries') IS NOT NULL
                        THEN jsonb_build_array(wallet.journal_problem(p_request -> 'entries'))
                END,
                'referenceId', CASE WHEN length(p_reference_id) > 65536 THEN '["Must be at most 65536 characters."]'::jsonb END,
                CASE p_type WHEN 'REFUND' THEN 'reason' ELSE 'description' END, CASE WHEN length(p_description) > 65536 THEN '["Must be at most 65536 characters."]'::jsonb END,
                'metadata', CASE
                    WHEN
                        jsonb_typeof(p_metadata) <> 'object' OR pg_column_size(p_metadata) > 65536
                        OR jsonb_path_exists(p_metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")')
                        THEN '["Must be a JSON object of at most 64 KiB and 32 levels."]'::jsonb
                END
            )),
            '{}'
        ),
        CASE p_type
            WHEN 'JOURNAL' THEN
                '{"entries": ["Amounts must have at most the asset''s number of decimals, and a sum of at most 14 digits before the point."]}'
            ELSE
                '{"amount": ["Must be more than zero, with at most 14 digits before the point and at most the asset''s number of decimals after it."]}'
        END::jsonb
    )
$$;

COMMENT ON FUNCTION wallet.line_problems(text, uuid, uuid, uuid, text, text, jsonb, jsonb) IS
'The details of a validation_failed answer: {field: [sentence]}.';
