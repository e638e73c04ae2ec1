-- Why an operation with two accounts is refused before any balance is looked at. The order of the CASE is the precedence of the refusals.
-- An SQL-standard body, so that it is inlined into the one query that calls it.
CREATE OR REPLACE FUNCTION wallet.request_refusal(
    p_type text,
    p_account_id uuid,
    p_asset_type_id uuid,
    p_amount numeric,
    p_account_type wallet.account_type,
    p_account_asset_type_id uuid,
    p_decimals smallint,
    p_is_active boolean,
    p_to_account_id uuid,
    p_to_account_type wallet.account_type,
    p_to_account_asset_type_id uuid
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_type IS NULL OR p_type NOT IN ('TOP_UP', 'BONUS', 'SPEND', 'TRANSFER', 'HOLD') THEN 'validation_failed'
    WHEN p_account_id IS NULL OR p_asset_type_id IS NULL THEN 'validation_failed'
    WHEN p_type = 'TRANSFER' AND p_to_account_id IS NULL OR p_type NOT IN ('TOP_UP', 'BONUS', 'SPEND') AND p_to_account_id = p_account_id
        THEN 'validation_failed'
    -- NaN and Infinity sort above the upper bound.
    WHEN p_amount IS NULL OR p_amount <= 0 OR p_amount >= 100000000000000 OR p_amount <> round(p_amount, 4)
        THEN 'validation_failed'
    WHEN p_account_type IS NULL OR p_type IN ('TRANSFER', 'HOLD') AND p_to_account_id IS NOT NULL AND p_to_account_type IS NULL THEN 'account_not_found'
    WHEN p_decimals IS NULL THEN 'asset_type_not_found'
    WHEN p_account_type <> 'USER' OR p_to_account_type <> 'USER' THEN 'not_a_wallet'
    WHEN p_account_asset_type_id <> p_asset_type_id OR p_to_account_asset_type_id <> p_asset_type_id THEN 'asset_mismatch'
    WHEN p_amount <> round(p_amount, p_decimals) THEN 'validation_failed'
    WHEN NOT p_is_active THEN 'asset_inactive'
END;

COMMENT ON FUNCTION wallet.request_refusal(
    text, uuid, uuid, numeric, wallet.account_type, uuid, smallint, boolean, uuid, wallet.account_type, uuid
) IS
'The code of the first rule that an operation breaks, from the operation and the facts of its accounts and asset type (NULL: there is none); NULL when only a balance can still refuse it.';
