-- Makes, changes or lifts a spending limit of a wallet, or of each wallet of an asset. Safe while postings run: they read the limits
-- under their account locks, and what counts is worked out from the ledger, also what was debited before.
CREATE OR REPLACE FUNCTION wallet.set_spending_limit(
    p_asset_type_id uuid,
    p_account_id uuid,
    p_name text,
    p_period_seconds integer,
    p_amount_max numeric,
    p_count_max bigint,
    p_reason text,
    p_api_key_id text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asset wallet.asset_types;
    v_account wallet.accounts;
    v_old wallet.spending_limits;
    v_new wallet.spending_limits;
BEGIN
    -- The gate, the asset type, accounts: one order for all that locks more than one of them.
    LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;
    SELECT * INTO v_asset FROM wallet.asset_types AS t
    WHERE t.id = coalesce(p_asset_type_id, (SELECT a.asset_type_id FROM wallet.accounts AS a WHERE a.id = p_account_id))
    FOR NO KEY UPDATE;
    -- An update, not a lock alone: a posting with an older snapshot must fail, and run again.
    UPDATE wallet.accounts AS a SET updated_at = greatest(a.updated_at, clock_timestamp())
    WHERE a.id = p_account_id AND a.stripe = 0
    RETURNING * INTO v_account;
    PERFORM wallet.check_limited(p_account_id, v_account, v_asset, jsonb_strip_nulls(jsonb_build_object(
        'name', wallet.name_problem(p_name),
        'periodSeconds', CASE WHEN (p_period_seconds BETWEEN 1 AND 31622400) IS NOT TRUE THEN 'Must be 1 to 31622400.' END,
        'amountMax', wallet.maximum_problem(p_amount_max, v_asset.decimals),
        'countMax', CASE WHEN p_count_max < 0 THEN 'Must be null, zero or more.' END,
        'reason', CASE WHEN (length(p_reason) BETWEEN 1 AND 1000) IS NOT TRUE THEN 'Must be 1 to 1000 characters.' END
    )));
    SELECT * INTO v_old FROM wallet.spending_limits AS s
    WHERE s.asset_type_id = v_asset.id AND s.account_id IS NOT DISTINCT FROM p_account_id AND s.name = p_name;
    INSERT INTO wallet.spending_limits AS s (asset_type_id, account_id, name, period_seconds, amount_max, count_max)
    VALUES (v_asset.id, p_account_id, p_name, p_period_seconds, p_amount_max, p_count_max)
    ON CONFLICT ON CONSTRAINT spending_limits_name_key DO UPDATE
    SET
        period_seconds = excluded.period_seconds, amount_max = excluded.amount_max, count_max = excluded.count_max,
        updated_at = greatest(s.updated_at, clock_timestamp())
    RETURNING * INTO v_new;
    PERFORM wallet.record_change(
        'SPENDING_LIMIT', v_new.id, v_asset.id, wallet.limit_settings(v_old), wallet.limit_settings(v_new),
        coalesce('key:' || p_api_key_id, 'role:' || session_user), p_reason, v_new.updated_at
    );
    PERFORM wallet.mark_limited(v_asset.id);
    RETURN wallet.limit_settings(v_new) || jsonb_build_object('id', v_new.id);
END;
$$;

COMMENT ON FUNCTION wallet.set_spending_limit(uuid, uuid, text, integer, numeric, bigint, text, text) IS
'Sets the spending limit of this name on a wallet, or (p_account_id NULL) on each wallet of an asset: at most p_amount_max and p_count_max debits within any p_period_seconds; NULL: any, both NULL: the limit is lifted. Gives it as JSON. The change is kept in wallet.changes with its reason, and in the name of p_api_key_id or, NULL, the login. Raises WL001, WL003, WL004, WL008 (the account is of another asset), WL009 (a system account).';

GRANT EXECUTE ON FUNCTION wallet.set_spending_limit(uuid, uuid, text, integer, numeric, bigint, text, text) TO wallet_service;
