-- What every operation must obey, whatever its kind. An SQL-standard body, so that it is inlined.
CREATE OR REPLACE FUNCTION wallet.form_refusal(p_idempotency_key text, p_text_length integer, p_metadata jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    -- Two cheap tests: a bounded repetition like {1,255} makes the pattern hundreds of times dearer.
    WHEN p_idempotency_key IS NULL OR length(p_idempotency_key) NOT BETWEEN 1 AND 255 OR p_idempotency_key ~ '[^!-~]'
        THEN 'idempotency_key_missing'
    -- Rows are kept for ever, and every list that shows one has to carry it.
    WHEN p_text_length > 65536 THEN 'validation_failed'
    WHEN jsonb_typeof(p_metadata) <> 'object' OR pg_column_size(p_metadata) > 65536 THEN 'validation_failed'
    -- An object or a list inside of 32 others; cheap, because nothing deeper is looked at.
    WHEN jsonb_path_exists(p_metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') THEN 'validation_failed'
END;

COMMENT ON FUNCTION wallet.form_refusal(text, integer, jsonb) IS
'idempotency_key_missing or validation_failed for a bad key, for texts of more than 65,536 characters and for metadata that is no object, larger than 64 KiB or deeper than 32 levels; else NULL.';
