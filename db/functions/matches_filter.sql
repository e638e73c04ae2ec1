-- Whether a transaction is among what is searched. An SQL-standard body, so that it is inlined.
CREATE OR REPLACE FUNCTION wallet.matches_filter(p_transaction wallet.transactions, p_filter wallet.transaction_filter)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    ((p_filter).type IS NULL OR (p_transaction).type = (p_filter).type)
    AND ((p_filter).status IS NULL OR (p_transaction).status = (p_filter).status)
    AND ((p_filter).asset_type_id IS NULL OR (p_transaction).asset_type_id = (p_filter).asset_type_id)
    AND ((p_filter).reference_id IS NULL OR (p_transaction).reference_id = (p_filter).reference_id) IS TRUE
    AND ((p_filter).amount_min IS NULL OR (p_transaction).amount >= (p_filter).amount_min)
    AND ((p_filter).amount_max IS NULL OR (p_transaction).amount <= (p_filter).amount_max)
    AND ((p_filter).created_from IS NULL OR (p_transaction).created_at >= (p_filter).created_from)
    AND ((p_filter).created_to IS NULL OR (p_transaction).created_at < (p_filter).created_to)
    AND (
        (p_filter).account_id IS NULL
        OR wallet.public_account_id((p_transaction).source_account_id) IS NOT DISTINCT FROM (p_filter).account_id
        OR wallet.public_account_id((p_transaction).dest_account_id) IS NOT DISTINCT FROM (p_filter).account_id
        OR (
            (p_transaction).leg_account_ids IS NOT NULL
            AND (p_filter).account_id IN (SELECT wallet.public_account_id(l.id) FROM unnest((p_transaction).leg_account_ids) AS l (id))
        )
    )
);

COMMENT ON FUNCTION wallet.matches_filter(wallet.transactions, wallet.transaction_filter) IS
'Whether a transaction is what a filter asks for; fields of the filter that are NULL ask for nothing.';
