SET LOCAL ROLE wallet_owner;

-- The routines of this release; `wallet migrate` of the release before brings its own again.
DROP FUNCTION IF EXISTS
wallet.create_account(text, uuid, text, text, text, text), wallet.check_account_fields(text, uuid, text, text, text),
wallet.claim_request(text, uuid, uuid, jsonb, json), wallet.replay_request(text, jsonb),
wallet.account_json(wallet.accounts, numeric, timestamptz), wallet.funds_text(wallet.accounts, numeric),
wallet.change_account(uuid, jsonb, text, text), wallet.change_account_as(uuid, jsonb, text, text, text),
wallet.change_asset_type(uuid, jsonb, text, text), wallet.change_asset_type_as(uuid, jsonb, text, text, text),
wallet.create_asset_type_as(jsonb, text, text), wallet.make_asset_type(wallet.asset_types, text),
wallet.administer_json(json), wallet.check_change(text, jsonb, text), wallet.changed_account(wallet.accounts, jsonb, timestamptz),
wallet.change_refusal(wallet.accounts, wallet.accounts), wallet.account_settings(wallet.accounts),
wallet.record_change(text, uuid, uuid, jsonb, jsonb, text, text, timestamptz), wallet.list_changes(uuid, bigint, integer),
wallet.list_account_changes(uuid, bigint, integer), wallet.list_asset_type_changes(uuid, bigint, integer),
wallet.list_accounts(text, text, uuid[], text, text, bigint, integer, text),
wallet.find_accounts(text, text, wallet.account_status, wallet.account_type, uuid[], uuid, bigint),
wallet.owner_balances(text, uuid[]), wallet.get_idempotency_key(text), wallet.cursor_text(text, uuid, bigint),
wallet.cursor_of(text, text), wallet.cursor_page_json(text, bigint, text), wallet.entry_rank(uuid, uuid, bigint),
wallet.list_ledger_entries(uuid, bigint, integer, text),
wallet.search_transactions(
    uuid, text, text, text, uuid, numeric, numeric, timestamptz, timestamptz, bigint, integer, text
),
wallet.search_entries(wallet.transaction_filter, text, bigint), wallet.search_reference(wallet.transaction_filter, uuid, bigint),
wallet.search_blocks(wallet.transaction_filter, uuid, bigint),
wallet.block_may_match(wallet.transaction_blocks, wallet.transaction_filter),
wallet.matches_filter(wallet.transactions, wallet.transaction_filter);

DROP TYPE IF EXISTS wallet.transaction_filter;

DROP TABLE IF EXISTS wallet.changes;

DROP INDEX IF EXISTS wallet.accounts_wallets_idx, wallet.accounts_owner_idx, wallet.transactions_reference_idx;

ALTER TABLE wallet.transaction_blocks
DROP COLUMN IF EXISTS created_min,
DROP COLUMN IF EXISTS created_max,
DROP COLUMN IF EXISTS amount_min,
DROP COLUMN IF EXISTS amount_max;

-- Fails when an asset type was made or changed under a key: the release before would forget the key.
ALTER TABLE wallet.idempotency_keys
DROP CONSTRAINT idempotency_keys_made_check,
ADD CONSTRAINT idempotency_keys_made_check CHECK (
    num_nonnulls(transaction_id, account_id) = 1
    AND (account_id IS NULL) = (request IS NULL)
    AND (account_id IS NULL) = (answer IS NULL)
),
DROP COLUMN IF EXISTS asset_type_id;
