-- Why a request is refused before any balance is looked at. The order of the CASE is the precedence of the refusals. An SQL-standard
-- body, so that it is inlined into the one query that calls it.
CREATE OR REPLACE FUNCTION wallet.request_refusal(
    p_type text,
    p_idempotency_key text,
    p_account_id uuid,
    p_asset_type_id uuid,
    p_amount numeric,
    p_text_length integer,
    p_metadata jsonb,
    p_account_type wallet.account_type,
    p_account_asset_type_id uuid,
    p_decimals smallint,
    p_is_active boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    -- Two cheap tests: a bounded repetition like {1,255} makes the pattern hundreds of times dearer.
    WHEN p_idempotency_key IS NULL OR length(p_idempotency_key) NOT BETWEEN 1 AND 255 OR p_idempotency_key ~ '[^!-~]'
        THEN 'idempotency_key_missing'
    WHEN p_type IS NULL OR p_type NOT IN ('TOP_UP', 'BONUS', 'SPEND') OR p_account_id IS NULL OR p_asset_type_id IS NULL
        THEN 'validation_failed'
    -- NaN and Infinity sort above the upper bound.
    WHEN p_amount IS NULL OR p_amount <= 0 OR p_amount >= 100000000000000 OR p_amount <> round(p_amount, 4)
        THEN 'validation_failed'
    -- Rows are kept for ever, and every list that shows one has to carry it.
    WHEN p_text_length > 65536 THEN 'validation_failed'
    WHEN jsonb_typeof(p_metadata) <> 'object' OR pg_column_size(p_metadata) > 65536 THEN 'validation_failed'
    -- An object or a list inside of 32 others; cheap, because nothing deeper is looked at.
    WHEN jsonb_path_exists(p_metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') THEN 'validation_failed'
    WHEN p_account_type IS NULL THEN 'account_not_found'
    WHEN p_decimals IS NULL THEN 'asset_type_not_found'
    WHEN p_account_type <> 'USER' THEN 'not_a_wallet'
    WHEN p_account_asset_type_id <> p_asset_type_id THEN 'asset_mismatch'
    WHEN p_amount <> round(p_amount, p_decimals) THEN 'validation_failed'
    WHEN NOT p_is_active THEN 'asset_inactive'
END;

COMMENT ON FUNCTION wallet.request_refusal(
    text, text, uuid, uuid, numeric, integer, jsonb, wallet.account_type, uuid, smallint, boolean
) IS
'The code of the first rule that a request breaks, from the request and the facts of its account and asset type (NULL: there is none); NULL when only its balance can still refuse it.';
