-- An account as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.account_json(p_account wallet.accounts, p_balance numeric, p_updated_at timestamptz)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (
    '{"id":"' || (p_account).id
    || '","externalId":' || coalesce(to_json((p_account).external_id)::text, 'null')
    || ',"ownerId":' || coalesce(to_json((p_account).owner_id)::text, 'null')
    || ',"accountType":"' || (p_account).account_type
    || '","status":"' || (p_account).status
    || '","creditsAllowed":' || (p_account).credits_allowed
    || ',"name":' || to_json((p_account).name)
    || ',"email":' || coalesce(to_json((p_account).email)::text, 'null')
    || ',"assetTypeId":"' || (p_account).asset_type_id
    || '","balance":' || trim_scale(p_balance)
    || ',' || wallet.funds_text(p_account, p_balance)
    || ',"creditLimit":' || coalesce(trim_scale(-(p_account).balance_min)::text, 'null')
    || ',"balanceMax":' || coalesce(trim_scale((p_account).balance_max)::text, 'null')
    || ',"debtMax":' || trim_scale((p_account).debt_max)
    || ',"createdAt":"' || to_char((p_account).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","updatedAt":"' || to_char(p_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '"}'
)::json;

COMMENT ON FUNCTION wallet.account_json(wallet.accounts, numeric, timestamptz) IS
'An account as JSON: id, externalId, ownerId, accountType, status, creditsAllowed, name, email, assetTypeId, balance, held, available, creditLimit (how far below zero; null: any), balanceMax (null: none), debtMax, createdAt, updatedAt. Balance and last change are given apart, since a system account''s come from all its stripes.';
