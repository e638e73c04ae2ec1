-- Whether a block of transactions may hold what is searched. An SQL-standard body, so that it is inlined.
CREATE OR REPLACE FUNCTION wallet.block_may_match(p_block wallet.transaction_blocks, p_filter wallet.transaction_filter)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    ((p_filter).type IS NULL OR (p_block).type = (p_filter).type)
    AND ((p_filter).status IS NULL OR (p_block).status = (p_filter).status)
    AND ((p_filter).asset_type_id IS NULL OR (p_block).asset_type_id = (p_filter).asset_type_id)
    AND ((p_filter).amount_min IS NULL OR (p_block).amount_max >= (p_filter).amount_min)
    AND ((p_filter).amount_max IS NULL OR (p_block).amount_min <= (p_filter).amount_max)
    AND ((p_filter).created_from IS NULL OR (p_block).created_max >= (p_filter).created_from)
    AND ((p_filter).created_to IS NULL OR (p_block).created_min < (p_filter).created_to)
);

COMMENT ON FUNCTION wallet.block_may_match(wallet.transaction_blocks, wallet.transaction_filter) IS
'False only when no transaction that the row counts matches the filter.';
