-- When a spending limit will allow what it refuses now. The debits that count are those after an instant that moves with the clock; the
-- earliest such instant that leaves room is found by halving, to the microsecond.
CREATE OR REPLACE FUNCTION wallet.limit_frees_at(
    p_limit wallet.spending_limits, p_account_id uuid, p_is_count boolean, p_amount numeric, p_at timestamptz
)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_period CONSTANT interval := make_interval(secs => p_limit.period_seconds);
    v_room CONSTANT record := wallet.limit_room(p_limit, p_account_id, p_at);
    v_spent record := wallet.debits_since(p_account_id, p_at - v_period);
    -- What may remain of the debits that count now.
    v_remain CONSTANT numeric := CASE
        WHEN p_is_count THEN v_room.count_left + v_spent.debit_count - 1
        ELSE v_room.amount_left + v_spent.amount - p_amount
    END;
    v_low timestamptz := p_at - v_period;
    v_high timestamptz := p_at;
    v_middle timestamptz;
BEGIN
    IF v_remain < 0 THEN
        RETURN NULL;
    END IF;
    WHILE v_high - v_low > interval '1 microsecond' LOOP
        v_middle := v_low + (v_high - v_low) / 2;
        v_spent := wallet.debits_since(p_account_id, v_middle);
        IF (CASE WHEN p_is_count THEN v_spent.debit_count ELSE v_spent.amount END) <= v_remain THEN
            v_high := v_middle;
        ELSE
            v_low := v_middle;
        END IF;
    END LOOP;
    RETURN v_high + v_period;
END;
$$;

COMMENT ON FUNCTION wallet.limit_frees_at(wallet.spending_limits, uuid, boolean, numeric, timestamptz) IS
'The instant from which on the limit allows a debit of the amount (p_is_count: one more debit), when nothing else is debited and open holds stay open; NULL: never, it is more than the limit allows beside the open holds.';
