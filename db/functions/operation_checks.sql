-- The part of wallet.doctor_checks() that is about holds, refunds, conversions, limits and changes.
CREATE OR REPLACE FUNCTION wallet.operation_checks()
RETURNS TABLE (check_name text, severity text, scope text, meaning text, remedy text)
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('check_refunds', 'critical', 'since', 'Every refund is an earlier transaction, or part of it, the other way round.',
     'Somebody wrote past the functions; correct by a posting.'),
    ('check_refund_totals', 'critical', 'whole', 'What is kept as refunded is the sum of the refunds, and never more than there was.',
     'The refunds are the truth; until the total is right, more or less could be refunded than is left.'),
    ('check_holds', 'critical', 'since', 'Holds do not contradict themselves.',
     'A hold was changed past the functions; compare with a backup.'),
    ('check_held', 'critical', 'whole', 'What an account holds back is the sum of its open holds.',
     'The holds are the truth; until held is right, too much or too little can be spent.'),
    ('check_captures', 'critical', 'since', 'A capture and its hold say the same.',
     'Either was changed past the functions; wallet verify tells whether it was the capture.'),
    ('check_conversions', 'critical', 'since', 'Conversions credit their amount times their rate, and note what is cut off.',
     'Somebody wrote past the functions; correct by postings in both assets.'),
    ('check_ceilings', 'critical', 'since', 'No entry left its account above the maximum balance it had then.',
     'Look at the account''s entries around the version.'),
    ('check_closed_accounts', 'critical', 'whole', 'Closed accounts are empty wallets.',
     'Look at who changed the status or the balance; wallet.changes has what was done by the functions.'),
    ('check_changes', 'critical', 'whole', 'Accounts, asset types, budgets and limits are what their history says.',
     'A setting, or its history, was changed past the functions: find out by whom; set it again by the functions.'),
    ('check_budgets', 'critical', 'whole', 'Budgets have issued what the ledger says.',
     'The ledger is the truth; until issued is right, too much or too little can be issued.'),
    ('check_debit_totals', 'critical', 'whole', 'The running totals behind spending limits are the sums of the debits.',
     'The entries are the truth; until the rows are right, limits allow too much or too little.'),
    ('check_ranges', 'warning', 'whole', 'The ranges behind searches hold every transaction.',
     'Only searches by time or amount miss rows; widen the ranges of these blocks.')
$$;

COMMENT ON FUNCTION wallet.operation_checks() IS
'The checks of holds, refunds, conversions, limits and changes: rows of wallet.doctor_checks().';
