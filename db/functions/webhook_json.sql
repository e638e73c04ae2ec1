-- A webhook as the HTTP interface shows it. The secret is there only when it is asked for: in the answer that made it.
CREATE OR REPLACE FUNCTION wallet.webhook_json(p_webhook wallet.webhooks, p_secret bytea DEFAULT NULL)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN json_build_object(
    'id', (p_webhook).id,
    'url', (p_webhook).url,
    'description', (p_webhook).description,
    'eventTypes', (p_webhook).event_types,
    'assetTypeIds', (p_webhook).asset_type_ids,
    'status', (p_webhook).status,
    'cursor', (p_webhook).cursor,
    'secret', 'whsec_' || encode(p_secret, 'base64'),
    'secretCreatedAt', wallet.instant_json((p_webhook).secret_created_at),
    'previousSecretUntil', wallet.instant_json((p_webhook).previous_secret_until),
    'createdAt', wallet.instant_json((p_webhook).created_at),
    'updatedAt', wallet.instant_json((p_webhook).updated_at)
);

COMMENT ON FUNCTION wallet.webhook_json(wallet.webhooks, bytea) IS
'A row of wallet.webhooks as JSON: id, url, description, eventTypes, assetTypeIds, status, cursor, secret (null, but for the secret that is given), secretCreatedAt, previousSecretUntil, createdAt, updatedAt.';
