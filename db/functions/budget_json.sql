-- A budget as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.budget_json(p_budget wallet.budgets)
RETURNS jsonb
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN wallet.budget_settings(p_budget) || jsonb_build_object(
    'id', (p_budget).id, 'issued', trim_scale((p_budget).issued),
    'available', trim_scale(CASE WHEN (p_budget).amount_max < (p_budget).issued THEN 0 ELSE (p_budget).amount_max - (p_budget).issued END)
);

COMMENT ON FUNCTION wallet.budget_json(wallet.budgets) IS
'The budget''s settings, its id, what has been issued and what is available (null: any).';
