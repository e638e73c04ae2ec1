-- An account with other settings; nothing is written.
CREATE OR REPLACE FUNCTION wallet.changed_account(p_account wallet.accounts, p_settings jsonb, p_changed_at timestamptz)
RETURNS wallet.accounts
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_account wallet.accounts := p_account;
BEGIN
    v_account.status := p_settings ->> 'status';
    v_account.credits_allowed := p_settings ->> 'creditsAllowed';
    v_account.balance_min := -(p_settings ->> 'creditLimit')::numeric;
    v_account.balance_max := p_settings ->> 'balanceMax';
    v_account.debt_max := p_settings ->> 'debtMax';
    v_account.name := p_settings ->> 'name';
    v_account.email := p_settings ->> 'email';
    v_account.owner_id := p_settings ->> 'ownerId';
    v_account.updated_at := p_changed_at;
    RETURN v_account;
END;
$$;

COMMENT ON FUNCTION wallet.changed_account(wallet.accounts, jsonb, timestamptz) IS
'The account with these settings (all that wallet.account_settings names), last changed at the instant.';
