-- What wallet.change_account can change of an account, named as over HTTP.
CREATE OR REPLACE FUNCTION wallet.account_settings(p_account wallet.accounts)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN jsonb_build_object(
    'status', (p_account).status,
    'creditsAllowed', (p_account).credits_allowed,
    'creditLimit', trim_scale(-(p_account).balance_min),
    'balanceMax', trim_scale((p_account).balance_max),
    'debtMax', trim_scale((p_account).debt_max),
    'name', (p_account).name,
    'email', (p_account).email,
    'ownerId', (p_account).owner_id
);

COMMENT ON FUNCTION wallet.account_settings(wallet.accounts) IS
'status, creditsAllowed, creditLimit, balanceMax, debtMax, name, email and ownerId of an account as a JSON object.';
