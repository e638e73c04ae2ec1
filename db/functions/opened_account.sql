-- A wallet as it was when it was opened. What was changed since is undone by the oldest change that names it; the rest never changes,
-- but for what postings do.
CREATE OR REPLACE FUNCTION wallet.opened_account(p_account wallet.accounts)
RETURNS wallet.accounts
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_account wallet.accounts := p_account;
    v_first jsonb;
BEGIN
    SELECT jsonb_object_agg(f.key, f.value) INTO v_first
    FROM (
        SELECT DISTINCT ON (o.key) o.key, o.value
        FROM wallet.changes AS c
        CROSS JOIN LATERAL jsonb_each(c.old_values) AS o (key, value)
        WHERE c.object_id = p_account.id
        ORDER BY o.key, c.number
    ) AS f;
    v_account.balance := 0;
    v_account.held := 0;
    RETURN wallet.changed_account(
        v_account, wallet.account_settings(v_account) || coalesce(v_first, '{}'), v_account.created_at
    );
END;
$$;

COMMENT ON FUNCTION wallet.opened_account(wallet.accounts) IS
'The row of a wallet as it was at its opening: settings before any change, nothing in it.';
