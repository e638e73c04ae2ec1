-- What of a webhook its history tells.
CREATE OR REPLACE FUNCTION wallet.webhook_settings(p_webhook wallet.webhooks)
RETURNS jsonb
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN jsonb_build_object(
    'url', (p_webhook).url, 'description', (p_webhook).description, 'eventTypes', to_jsonb((p_webhook).event_types),
    'assetTypeIds', to_jsonb((p_webhook).asset_type_ids), 'status', (p_webhook).status,
    'secretCreatedAt', wallet.instant_json((p_webhook).secret_created_at)
);

COMMENT ON FUNCTION wallet.webhook_settings(wallet.webhooks) IS
'{url, description, eventTypes, assetTypeIds, status, secretCreatedAt}: everything of a webhook that somebody may change.';
