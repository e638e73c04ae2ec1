SET LOCAL ROLE wallet_owner;

DROP TYPE IF EXISTS wallet.keyed_answer CASCADE;

DROP TYPE IF EXISTS wallet.posting_answer CASCADE;

DROP TYPE IF EXISTS wallet.posting_line CASCADE;

DROP TYPE IF EXISTS wallet.posting_request CASCADE;

DROP TABLE IF EXISTS wallet.releases, wallet.posting_gate, wallet.transaction_blocks, wallet.idempotency_keys, wallet.ledger_entries, wallet.transactions, wallet.accounts, wallet.asset_types CASCADE;

DROP SEQUENCE IF EXISTS wallet.transaction_numbers;

DROP TYPE IF EXISTS wallet.entry_type CASCADE;

DROP TYPE IF EXISTS wallet.transaction_status CASCADE;

DROP TYPE IF EXISTS wallet.transaction_type CASCADE;

DROP TYPE IF EXISTS wallet.account_type CASCADE;
