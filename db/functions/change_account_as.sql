-- Changes an account under the locks of a posting: the gate, shared; the account's row; the key. So a change and the postings on the
-- account come one after the other, and what is refused is refused by the balance and the holds of that moment.
CREATE OR REPLACE FUNCTION wallet.change_account_as(
    p_account_id uuid,
    p_values jsonb,
    p_reason text,
    p_idempotency_key text,
    p_changed_by text
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before wallet.accounts;
    v_after wallet.accounts;
    v_settings jsonb;
    v_at timestamptz;
    v_code text;
    v_answer wallet.keyed_answer;
BEGIN
    IF p_account_id IS NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"id": ["Is required."]}';
    END IF;
    PERFORM wallet.check_change('ACCOUNT', p_values, p_reason);
    LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;
    FOR v_try IN 1..2 LOOP
        SELECT * INTO v_before FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0 FOR NO KEY UPDATE;
        v_at := greatest(clock_timestamp(), v_before.updated_at, v_at);
        -- Holds that have run out by now are booked first, and the account read again.
        EXIT WHEN coalesce(v_before.held, 0) = 0 OR NOT wallet.expire_holds(ARRAY[p_account_id], v_at);
    END LOOP;
    PERFORM wallet.check_limit_decimals(p_values, v_before.asset_decimals);
    v_settings := wallet.account_settings(v_before);
    v_after := v_before;
    IF v_settings IS DISTINCT FROM v_settings || p_values THEN
        v_after := wallet.changed_account(v_before, v_settings || p_values, v_at);
    END IF;
    v_code := wallet.change_refusal(v_before, v_after);
    v_answer := wallet.claim_request(
        p_idempotency_key, p_account_id, NULL,
        jsonb_build_object('operation', 'CHANGE_ACCOUNT', 'id', p_account_id, 'reason', p_reason) || p_values,
        wallet.account_json(v_after, v_after.balance, v_after.updated_at)
    );
    IF v_answer.replayed THEN
        RETURN v_answer;
    END IF;
    IF v_code IS NOT NULL THEN
        RAISE EXCEPTION '%', wallet.refusal_error(v_code, v_before.balance, v_before.held)
        USING ERRCODE = (SELECT r.sqlstate FROM wallet.refusals() AS r WHERE r.code = v_code), HINT = v_code;
    END IF;
    IF wallet.record_change(
        'ACCOUNT', p_account_id, v_before.asset_type_id, v_settings, wallet.account_settings(v_after), p_changed_by, p_reason, v_at
    ) THEN
        UPDATE wallet.accounts
        SET
            status = v_after.status, credits_allowed = v_after.credits_allowed, balance_min = v_after.balance_min,
            balance_max = v_after.balance_max, debt_max = v_after.debt_max, name = v_after.name, email = v_after.email,
            owner_id = v_after.owner_id, updated_at = v_at
        WHERE id = p_account_id;
    END IF;
    RETURN ROW(FALSE, wallet.account_json(v_after, v_after.balance, v_after.updated_at))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.change_account_as(uuid, jsonb, text, text, text) IS
'wallet.change_account with who changes it. Nobody may call it but the routines that know who that is.';
