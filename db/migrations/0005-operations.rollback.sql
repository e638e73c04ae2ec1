SET LOCAL ROLE wallet_owner;

-- The routines of this release whose parameters or tables go; `wallet migrate` of the release before brings its own again.
DROP FUNCTION IF EXISTS
wallet.transfer(uuid, uuid, uuid, numeric, text, text, text, jsonb), wallet.refund(uuid, text, numeric, text, text, text, jsonb),
wallet.hold(uuid, uuid, numeric, text, timestamptz, uuid, text, text, jsonb), wallet.capture(uuid, text, numeric, text, text, jsonb),
wallet.void(uuid, text), wallet.journal(uuid, jsonb, text, text, text, jsonb),
wallet.convert(uuid, uuid, numeric, numeric, text, text, text, jsonb), wallet.post_operations(wallet.operation[]),
wallet.post_as(wallet.operation[], text[]), wallet.post_one(wallet.operation), wallet.resolve_operations(wallet.operation[]),
wallet.resolve_lines(wallet.operation[]), wallet.resolve_special(integer, wallet.operation),
wallet.resolve_refund(wallet.posting_line, wallet.operation), wallet.resolve_hold(wallet.posting_line, wallet.operation),
wallet.resolve_hold_end(wallet.posting_line, wallet.operation), wallet.resolve_journal(wallet.posting_line, wallet.operation),
wallet.resolve_conversion(wallet.posting_line, wallet.operation), wallet.journal_entries(jsonb), wallet.journal_problem(jsonb),
wallet.conversion_account_id(uuid, uuid), wallet.stripe_account_id(uuid, wallet.account_type, uuid, smallint),
wallet.amount_refusal(numeric, smallint), wallet.form_refusal(text, integer, jsonb), wallet.request_differences(jsonb, jsonb),
wallet.expire_holds(uuid[], timestamptz), wallet.lock_accounts(uuid[]),
wallet.load_quotas(wallet.posting_line[], uuid[], timestamptz), wallet.hold_of(uuid), wallet.hold_json(wallet.holds, timestamptz),
wallet.hold_state(wallet.hold_state, timestamptz, timestamptz), wallet.hold_answer_json(uuid), wallet.hold_states(text),
wallet.instant_json(timestamptz),
wallet.transaction_extras_json(wallet.transactions), wallet.transaction_json(wallet.transactions, numeric),
wallet.line_problems(text, uuid, uuid, uuid, text, text, jsonb, jsonb),
wallet.request_refusal(
    text, uuid, uuid, numeric, wallet.account_type, uuid, smallint, boolean, uuid, wallet.account_type, uuid
),
wallet.settle_lines(
    integer[], integer[], integer[], numeric[], text[], integer[], numeric[], text[],
    numeric[], text[], numeric[], text[], numeric[], bigint[], bigint[], uuid[]
),
wallet.write_postings(
    wallet.posting_line[], text[], bigint[], uuid[], integer[], integer[], integer[], integer[], numeric[], bigint[],
    numeric[], uuid[], bigint[], bigint[], numeric[], timestamptz
),
wallet.write_specials(wallet.posting_line[], text[], uuid[], text[], integer[], numeric[], timestamptz),
wallet.trial_balance(), wallet.operation_checks(), wallet.check_refunds(uuid), wallet.check_refund_totals(), wallet.check_holds(uuid),
wallet.check_held(), wallet.check_captures(uuid), wallet.check_conversions(uuid), wallet.check_ceilings(uuid),
wallet.check_closed_accounts(), wallet.check_changes(), wallet.check_budgets(), wallet.check_debit_totals(), wallet.check_ranges(),
wallet.setting_at(uuid, text, timestamptz, numeric), wallet.checked_end(timestamptz, timestamptz);

DROP TABLE IF EXISTS wallet.holds, wallet.refund_totals;

DROP TYPE IF EXISTS wallet.hold_state, wallet.operation;

ALTER TYPE wallet.posting_line
DROP ATTRIBUTE IF EXISTS related_id,
DROP ATTRIBUTE IF EXISTS request,
DROP ATTRIBUTE IF EXISTS leg_account_ids,
DROP ATTRIBUTE IF EXISTS leg_amounts,
DROP ATTRIBUTE IF EXISTS reserve,
DROP ATTRIBUTE IF EXISTS quota_id,
DROP ATTRIBUTE IF EXISTS draw,
DROP ATTRIBUTE IF EXISTS expires_at,
DROP ATTRIBUTE IF EXISTS may_owe;

-- Fails when a JOURNAL or a CONVERSION has been posted: the release before could not read it. The new values of the enums stay; they
-- harm nobody.
ALTER TABLE wallet.transactions
DROP COLUMN IF EXISTS related_id,
DROP COLUMN IF EXISTS request,
DROP COLUMN IF EXISTS leg_account_ids,
DROP COLUMN IF EXISTS leg_versions,
ALTER COLUMN source_account_id SET NOT NULL,
ALTER COLUMN dest_account_id SET NOT NULL,
ALTER COLUMN source_version SET NOT NULL,
ALTER COLUMN dest_version SET NOT NULL;

ALTER TABLE wallet.accounts
DROP CONSTRAINT accounts_balance_min_check,
DROP COLUMN IF EXISTS held,
DROP COLUMN IF EXISTS balance_max,
DROP COLUMN IF EXISTS debt_max,
DROP COLUMN IF EXISTS status,
DROP COLUMN IF EXISTS credits_allowed,
DROP COLUMN IF EXISTS owner_id,
ADD CONSTRAINT accounts_balance_min_check CHECK (balance >= balance_min AND balance < 'NaN');

DROP TYPE IF EXISTS wallet.account_status;
