SET LOCAL ROLE wallet_owner;

-- The routines of this release whose parameters or tables go; `wallet migrate` of the release before brings its own again.
DROP FUNCTION IF EXISTS
wallet.doctor(), wallet.doctor_checks(), wallet.check_balances(uuid), wallet.check_entry_chains(uuid),
wallet.check_versions(uuid), wallet.check_transactions(uuid), wallet.check_orphans(uuid), wallet.check_assets(uuid),
wallet.check_directions(uuid), wallet.check_floors(uuid), wallet.check_idempotency_keys(uuid),
wallet.check_entry_order(uuid), wallet.check_amounts(uuid), wallet.check_transaction_ids(uuid),
wallet.check_number_order(uuid), wallet.check_instants(uuid), wallet.check_clock(uuid), wallet.check_posters(uuid),
wallet.check_account_clocks(), wallet.check_account_floors(), wallet.check_account_assets(), wallet.check_treasuries(),
wallet.check_seals(), wallet.check_releases(), wallet.check_rights(), wallet.check_routines(), wallet.check_indexes(),
wallet.check_schema(), wallet.run_check(text, uuid), wallet.clean_point(), wallet.record_clean_run(bigint),
wallet.schema_objects(), wallet.settled_number(double precision), wallet.seal_plan(bigint), wallet.seal_range(date, bigint),
wallet.verify_seal(bigint), wallet.compare_sealed_rows(bigint, bigint[]), wallet.sealed_blocks(bigint, bigint),
wallet.sealed_rows(bigint, bigint), seal_sha256(bigint, smallint, date, bigint, bigint, bigint, timestamptz),
wallet.seal_hint(bytea), wallet.sealed_field(text, text), wallet.transaction_number(uuid);

DROP TABLE IF EXISTS wallet.doctor_runs, wallet.seal_blocks, wallet.seals;

ALTER TABLE wallet.releases DROP COLUMN IF EXISTS objects;

DROP INDEX IF EXISTS wallet.ledger_entries_transaction_brin;
