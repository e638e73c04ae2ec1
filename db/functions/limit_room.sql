-- What a spending limit leaves a wallet at an instant. Open holds count like debits: what they reserve has been promised.
CREATE OR REPLACE FUNCTION wallet.limit_room(
    p_limit wallet.spending_limits, p_account_id uuid, p_at timestamptz, OUT amount_left numeric, OUT count_left numeric
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_spent record;
    v_held record;
BEGIN
    v_spent := wallet.debits_since(p_account_id, p_at - make_interval(secs => p_limit.period_seconds));
    SELECT coalesce(sum(h.amount), 0) AS amount, count(*) AS hold_count
    INTO v_held
    FROM wallet.holds AS h
    WHERE h.account_id = p_account_id AND h.closed_at IS NULL AND h.expires_at > p_at;
    amount_left := p_limit.amount_max - v_spent.amount - v_held.amount;
    count_left := p_limit.count_max - v_spent.debit_count - v_held.hold_count;
END;
$$;

COMMENT ON FUNCTION wallet.limit_room(wallet.spending_limits, uuid, timestamptz) IS
'The amount and the number of debits that the limit still allows the wallet; negative when it was lowered since, NULL for what it does not limit.';
