-- A transaction as the HTTP interface shows it. Plain concatenation: half the cost of json_build_object.
CREATE OR REPLACE FUNCTION wallet.transaction_json(p_transaction wallet.transactions, p_refunded numeric)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (
    '{"id":"' || (p_transaction).id
    || '","idempotencyKey":' || to_json((p_transaction).idempotency_key)
    || ',"type":"' || (p_transaction).type
    || '","status":"' || (p_transaction).status
    || '","sourceAccountId":' || coalesce('"' || wallet.public_account_id((p_transaction).source_account_id) || '"', 'null')
    || ',"destAccountId":' || coalesce('"' || wallet.public_account_id((p_transaction).dest_account_id) || '"', 'null')
    || ',"assetTypeId":"' || (p_transaction).asset_type_id
    || '","amount":' || trim_scale((p_transaction).amount)
    || ',"description":' || coalesce(to_json((p_transaction).description)::text, 'null')
    || ',"referenceId":' || coalesce(to_json((p_transaction).reference_id)::text, 'null')
    || ',"metadata":' || coalesce((p_transaction).metadata::text, 'null')
    || ',"createdAt":"' || to_char((p_transaction).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","updatedAt":"' || to_char((p_transaction).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","postedBy":' || coalesce(to_json((p_transaction).posted_by)::text, 'null')
    || coalesce(',"refundedAmount":' || trim_scale(p_refunded), '')
    || CASE WHEN (p_transaction).request IS NULL THEN '' ELSE wallet.transaction_extras_json(p_transaction) END
    || '}'
)::json;

COMMENT ON FUNCTION wallet.transaction_json(wallet.transactions, numeric) IS
'A row of wallet.transactions as JSON: id, idempotencyKey, type, status, sourceAccountId, destAccountId, assetTypeId, amount, description, referenceId, metadata, createdAt, updatedAt (transactions never change, so it is createdAt), postedBy; refundedAmount where it is given; what wallet.transaction_extras_json adds for some types.';
