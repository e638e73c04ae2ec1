SET LOCAL ROLE wallet_owner;

-- The routines of this release whose parameters or tables go; `wallet migrate` of the release before brings its own again.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.top_up(uuid, uuid, numeric, text, text, text, jsonb, text), wallet.bonus(uuid, uuid, numeric, text, text, text, jsonb, text),
wallet.answer_lines(wallet.posting_line[], text[], uuid[], numeric[], integer[], numeric[], jsonb[]),
wallet.refusal_error(text, numeric, numeric, jsonb),
wallet.resolve_campaign(wallet.posting_line, wallet.operation),
wallet.load_limits(
    wallet.posting_line[], uuid[], integer, timestamptz, integer[], integer[], integer[], integer[], numeric[]
),
wallet.limit_draws(wallet.posting_line[], uuid[], integer[], integer[], integer[], numeric[]),
wallet.limit_cells(wallet.limit_draw[], timestamptz), wallet.write_limits(wallet.limit_cell[], numeric[], timestamptz),
wallet.limit_details(wallet.limit_cell, numeric, numeric, timestamptz),
wallet.refused_limits(
    wallet.limit_cell[], integer, text[], numeric[], integer[], integer[], numeric[], timestamptz
),
wallet.count_debits(uuid[], timestamptz), wallet.uncounted_debits(uuid, bigint, timestamptz),
wallet.debits_since(uuid, timestamptz), wallet.list_budget_changes(uuid, text, bigint, integer),
wallet.list_spending_limit_changes(uuid, uuid, text, bigint, integer),
wallet.limit_room(wallet.spending_limits, uuid, timestamptz),
wallet.limit_frees_at(wallet.spending_limits, uuid, boolean, numeric, timestamptz),
wallet.set_spending_limit(uuid, uuid, text, integer, numeric, bigint, text, text),
wallet.set_budget(uuid, text, numeric, timestamptz, timestamptz, text, text),
wallet.list_spending_limits(uuid, uuid), wallet.list_budgets(uuid), wallet.hold_treasury(uuid), wallet.mark_limited(uuid),
wallet.check_limited(uuid, wallet.accounts, wallet.asset_types, jsonb), wallet.name_problem(text),
wallet.maximum_problem(numeric, smallint), wallet.limit_settings(wallet.spending_limits),
wallet.budget_settings(wallet.budgets), wallet.budget_json(wallet.budgets), wallet.check_budgets(), wallet.check_debit_totals(),
wallet.special_legs(wallet.posting_line[]), wallet.resolve_operations(wallet.operation[]),
wallet.settle_lines(
    integer[], integer[], integer[], numeric[], text[], integer[], numeric[], text[],
    numeric[], text[], numeric[], text[], numeric[], bigint[], bigint[], uuid[]
);

DROP TYPE IF EXISTS wallet.limit_draw, wallet.limit_cell;

ALTER TYPE wallet.operation DROP ATTRIBUTE IF EXISTS campaign;

DROP TABLE IF EXISTS wallet.spending_limits, wallet.debit_totals, wallet.budgets;

DROP INDEX IF EXISTS wallet.asset_types_limited_idx;

ALTER TABLE wallet.asset_types DROP COLUMN IF EXISTS is_limited;
