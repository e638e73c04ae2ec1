-- The list of invariants that wallet.doctor() runs: a check is a function without parameters whose rows are the problems.
CREATE OR REPLACE FUNCTION wallet.doctor_checks()
RETURNS TABLE (check_name text, severity text, meaning text, remedy text)
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('check_trial_balance', 'critical', 'Debits equal credits and balances sum to zero, per asset.',
     'Find the transactions with check_transactions and check_orphans; correct by a posting.'),
    ('check_balances', 'critical', 'Every kept balance is the sum of the account''s entries.',
     'The entries are the truth; find out who wrote past the functions.'),
    ('check_entry_chains', 'critical', 'Every entry starts from the balance the one before it left.',
     'An entry was changed or removed; compare with a backup.'),
    ('check_versions', 'critical', 'An account''s entries are numbered without a gap, up to its version.',
     'An entry was removed or added past the functions; compare with a backup.'),
    ('check_transactions', 'critical', 'Every transaction has its one debit and its one credit.',
     'A leg was changed or removed; compare with a backup.'),
    ('check_orphans', 'critical', 'Entries and transactions name rows that exist.',
     'A row was removed past the guards; compare with a backup.'),
    ('check_assets', 'critical', 'A transaction and its accounts are of one asset.',
     'Somebody wrote past the functions; correct by postings in both assets.'),
    ('check_directions', 'critical', 'Transactions run between the accounts their type says.',
     'Somebody wrote past the functions; correct by a posting.'),
    ('check_floors', 'critical', 'No entry left its account below its floor.',
     'Look at the account''s entries around the version.'),
    ('check_idempotency_keys', 'critical', 'Keys and what they made name each other.',
     'A key or a transaction was removed past the functions; a retry could post twice.'),
    ('check_counts', 'warning', 'The counts behind the lists are right.',
     'Only totals and pages of lists are wrong; rebuild the counts from wallet.transactions.'),
    ('check_system_accounts', 'critical', 'Each asset has its treasury and its revenue account, in every stripe.',
     'Create the missing row as wallet.create_asset_type and wallet.set_stripes do.'),
    ('check_entry_order', 'warning', 'An account''s entries are in order of time as well as of version.',
     'Balances at an instant may be wrong around these entries.'),
    ('check_guards', 'critical', 'The append-only guards are in place.',
     'Run wallet migrate; find out who removed or disabled the trigger.')
$$;

COMMENT ON FUNCTION wallet.doctor_checks() IS
'The checks of wallet.doctor(): function, severity (critical or warning), what holds when it finds nothing, what to do when it finds something.';

GRANT EXECUTE ON FUNCTION wallet.doctor_checks() TO wallet_service, wallet_jobs, wallet_auditor;
