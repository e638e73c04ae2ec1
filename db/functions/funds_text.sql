-- What is reserved on an account and what it can spend, at this very instant: a hold that has run out holds nothing, whether that has
-- been booked or not. The instant is a posting's: now, but not before the account's last change.
CREATE OR REPLACE FUNCTION wallet.funds_text(p_account wallet.accounts, p_balance numeric)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_held numeric := p_account.held;
BEGIN
    IF v_held > 0 THEN
        v_held := v_held - (
            SELECT coalesce(sum(h.amount), 0)
            FROM wallet.holds AS h
            WHERE
                h.account_id = p_account.id AND h.closed_at IS NULL
                AND h.expires_at <= (SELECT greatest(clock_timestamp(), p_account.updated_at))
        );
    END IF;
    RETURN '"held":' || trim_scale(v_held)
        || ',"available":' || coalesce(trim_scale(p_balance - v_held - p_account.balance_min)::text, 'null');
END;
$$;

COMMENT ON FUNCTION wallet.funds_text(wallet.accounts, numeric) IS
'"held" and "available" (balance less held less floor; null where there is no floor) as members of a JSON object.';
