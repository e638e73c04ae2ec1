-- The webhooks: there are as many as there are systems that listen, so the list has no pages.
CREATE OR REPLACE FUNCTION wallet.list_webhooks(p_asset_type_ids uuid[] DEFAULT NULL)
RETURNS json
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(json_agg(wallet.webhook_json(w) ORDER BY w.created_at DESC, w.id), '[]')
    FROM wallet.webhooks AS w
    WHERE w.status <> 'DELETED' AND (p_asset_type_ids IS NULL OR w.asset_type_ids <@ p_asset_type_ids)
$$;

COMMENT ON FUNCTION wallet.list_webhooks(uuid[]) IS
'All webhooks, newest first, as a JSON list without secrets; with asset types given only those that are for no others.';

GRANT EXECUTE ON FUNCTION wallet.list_webhooks(uuid[]) TO wallet_service, wallet_auditor;
