-- The list of invariants that wallet.doctor() runs: a check is a function that can be called without arguments and whose rows are
-- the problems. Its scope: since (it takes the transaction id from which on to look), whole (it always reads all, so a quick run
-- leaves it out), schema (it reads the catalogue, the assets or little more, so every run has it).
CREATE OR REPLACE FUNCTION wallet.doctor_checks()
RETURNS TABLE (check_name text, severity text, scope text, meaning text, remedy text)
LANGUAGE sql
IMMUTABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('check_trial_balance', 'critical', 'whole', 'Debits equal credits and balances sum to zero, per asset.',
     'Find the transactions with check_transactions and check_orphans; correct by a posting.'),
    ('check_balances', 'critical', 'since', 'Every kept balance is the sum of the account''s entries.',
     'The entries are the truth; find out who wrote past the functions.'),
    ('check_entry_chains', 'critical', 'since', 'Every entry starts from the balance the one before it left.',
     'An entry was changed or removed; compare with a backup.'),
    ('check_versions', 'critical', 'since', 'An account''s entries are numbered without a gap, up to its version.',
     'An entry was removed or added past the functions; compare with a backup.'),
    ('check_transactions', 'critical', 'since', 'Every transaction has the debits and credits that it names, and they balance.',
     'A leg was changed or removed; compare with a backup.'),
    ('check_orphans', 'critical', 'since', 'Entries and transactions name rows that exist.',
     'A row was removed past the guards; compare with a backup.'),
    ('check_assets', 'critical', 'since', 'A transaction and its accounts are of one asset, each side of a conversion of its own.',
     'Somebody wrote past the functions; correct by postings in both assets.'),
    ('check_directions', 'critical', 'since', 'Transactions run between the accounts their type says.',
     'Somebody wrote past the functions; correct by a posting.'),
    ('check_amounts', 'critical', 'since', 'Amounts are above zero, bounded, and within the asset''s decimals; balances are numbers.',
     'A CHECK is gone or was passed by: look at check_schema, then at who wrote the rows.'),
    ('check_floors', 'critical', 'since', 'No entry left its account below the floor, or the debt limit, it had then.',
     'Look at the account''s entries around the version.'),
    ('check_idempotency_keys', 'critical', 'since', 'Keys and what they made name each other.',
     'A key or a transaction was removed past the functions; a retry could post twice.'),
    ('check_transaction_ids', 'critical', 'since', 'Ids of transactions, and events, are well-formed and have a number that was drawn.',
     'Somebody wrote past the functions, or set the sequence back: compare with a backup before posting on.'),
    ('check_number_order', 'critical', 'since', 'No two transactions, or other events, have one number.',
     'Somebody wrote past the functions, or set the sequence back: compare with a backup before posting on.'),
    ('check_instants', 'critical', 'since', 'A transaction and its entries have one instant.',
     'A row was changed; wallet verify tells which, if it was sealed.'),
    ('check_entry_order', 'warning', 'since', 'An account''s entries are in order of time as well as of version.',
     'Balances at an instant may be wrong around these entries.'),
    ('check_clock', 'warning', 'since', 'No transaction is ahead of the server''s clock.',
     'The clock was set back, or somebody wrote past the functions; balances at an instant mind it until the clock has caught up.'),
    ('check_posters', 'warning', 'since', 'posted_by names an API key that exists, or a login.',
     'The row or the key was changed; wallet verify tells whether the row was.'),
    ('check_account_clocks', 'warning', 'whole', 'No account was last changed before its newest entry.',
     'Set updated_at to the newest entry''s instant, or its next entry may be out of order.'),
    ('check_account_floors', 'critical', 'whole', 'No account is below its floor and debt limit now; treasuries and conversion accounts have none.',
     'Look at who changed balance or balance_min; correct by a posting.'),
    ('check_account_assets', 'critical', 'whole', 'Accounts have an asset, its decimals, and a stripe only where they may.',
     'Somebody wrote past the functions; compare with a backup.'),
    ('check_treasuries', 'critical', 'schema', 'No treasury is above zero, but for what wallets owe.',
     'Something was credited that was never issued: look at the treasury''s newest entries.'),
    ('check_system_accounts', 'critical', 'schema', 'Each asset has its treasury and its revenue account, in every stripe.',
     'Create the missing row as wallet.create_asset_type and wallet.set_stripes do.'),
    ('check_counts', 'warning', 'whole', 'The counts behind the lists are right.',
     'Only totals and pages of lists are wrong; rebuild the counts from wallet.transactions.'),
    ('check_seals', 'critical', 'whole', 'Each seal follows from the one before.',
     'A seal was changed or removed: hold wallet verify against the lines kept outside.'),
    ('check_guards', 'critical', 'schema', 'The append-only guards are in place, and refuse.',
     'Run wallet migrate; find out who removed, disabled or changed the trigger.'),
    ('check_rights', 'critical', 'schema', 'Nobody but the owner may write to a table or make objects, and nobody is the owner.',
     'REVOKE what was granted; find out by whom, and what was done with it.'),
    ('check_routines', 'critical', 'schema', 'Routines and tables are the owner''s; no routine uses its caller''s search_path.',
     'ALTER … OWNER TO wallet_owner, then wallet migrate; find out who changed it.'),
    ('check_indexes', 'critical', 'schema', 'Every index is valid.', 'REINDEX INDEX CONCURRENTLY; for a unique one look for doubles first.'),
    ('check_schema', 'critical', 'schema', 'Constraints, guards, routines, columns and rights are as the release left them.',
     'wallet migrate brings routines and guards again; constraints and rights are mended by hand. Find out who changed them.'),
    ('check_releases', 'critical', 'schema', 'What was applied is on record.', 'Run wallet migrate.')
    UNION ALL
    SELECT * FROM wallet.operation_checks()
$$;

COMMENT ON FUNCTION wallet.doctor_checks() IS
'The checks of wallet.doctor(): function, severity (critical or warning), scope (since, whole or schema), what holds when it finds nothing, what to do when it finds something.';

GRANT EXECUTE ON FUNCTION wallet.doctor_checks() TO wallet_service, wallet_jobs, wallet_auditor;
