-- An account as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.account_json(p_account wallet.accounts, p_balance numeric, p_updated_at timestamptz)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (
    '{"id":"' || (p_account).id
    || '","externalId":' || coalesce(to_json((p_account).external_id)::text, 'null')
    || ',"accountType":"' || (p_account).account_type
    || '","name":' || to_json((p_account).name)
    || ',"email":' || coalesce(to_json((p_account).email)::text, 'null')
    || ',"assetTypeId":"' || (p_account).asset_type_id
    || '","balance":' || trim_scale(p_balance)
    || ',"createdAt":"' || to_char((p_account).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","updatedAt":"' || to_char(p_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '"}'
)::json;

COMMENT ON FUNCTION wallet.account_json(wallet.accounts, numeric, timestamptz) IS
'An account as JSON: id, externalId, accountType, name, email, assetTypeId, balance, createdAt, updatedAt. Balance and last change are given apart, since a system account''s come from all its stripes.';
