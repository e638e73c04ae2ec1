SET LOCAL ROLE wallet_owner;

-- The routines of this release; `wallet migrate` of the release before brings its own again.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.administer_json(json), wallet.claim_request(text, uuid, uuid, jsonb, json, uuid),
wallet.create_webhook_as(jsonb, text, text), wallet.change_webhook_as(text, uuid, jsonb, text, text, text),
wallet.redeliver_as(uuid, uuid, text), wallet.check_webhook(wallet.webhooks, uuid[]), wallet.keep_webhook(wallet.webhooks),
wallet.disable_webhook(wallet.webhooks), wallet.webhook_settings(wallet.webhooks), wallet.webhook_json(wallet.webhooks, bytea),
wallet.webhook_problems(jsonb), wallet.get_webhook(uuid), wallet.list_webhooks(uuid[]),
wallet.list_webhook_changes(uuid, bigint, integer), wallet.list_deliveries(uuid, text, bigint, integer, text),
wallet.delivery_json(wallet.webhook_deliveries), wallet.lease_webhooks(integer), wallet.has_webhook_work(wallet.webhooks),
wallet.webhook_page(wallet.webhooks), wallet.webhook_work(uuid, bigint, json, uuid, boolean),
wallet.record_deliveries(uuid, json), wallet.retry_delay(integer), wallet.prune_deliveries(integer), wallet.webhook_figures(),
wallet.check_changes();

DROP TABLE IF EXISTS wallet.webhook_deliveries, wallet.webhooks;

DROP TYPE IF EXISTS wallet.delivery_status, wallet.webhook_status;

-- Fails when a webhook was made or changed under a key: the release before would forget the key.
ALTER TABLE wallet.idempotency_keys
DROP CONSTRAINT idempotency_keys_made_check,
ADD CONSTRAINT idempotency_keys_made_check CHECK (
    num_nonnulls(transaction_id, account_id, asset_type_id) = 1
    AND (transaction_id IS NULL) = (request IS NOT NULL)
    AND (transaction_id IS NULL) = (answer IS NOT NULL)
),
DROP COLUMN IF EXISTS webhook_id;

-- Fails when the history of a webhook is there: it is kept for ever.
ALTER TABLE wallet.changes
DROP CONSTRAINT IF EXISTS changes_asset_type_check,
ALTER COLUMN asset_type_id SET NOT NULL;
