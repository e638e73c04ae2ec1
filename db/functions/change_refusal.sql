-- Why an account may not be changed so. The order of the CASE is the precedence of the refusals.
CREATE OR REPLACE FUNCTION wallet.change_refusal(p_before wallet.accounts, p_after wallet.accounts)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN (p_before).id IS NULL THEN 'account_not_found'
    WHEN (p_before).account_type <> 'USER' THEN 'not_a_wallet'
    -- CLOSED is final. Whose the account was may still be corrected, or taken out.
    WHEN (p_before).status = 'CLOSED' AND (
        (p_after).status, (p_after).credits_allowed, (p_after).balance_min, (p_after).balance_max, (p_after).debt_max
    ) IS DISTINCT FROM (
        (p_before).status, (p_before).credits_allowed, (p_before).balance_min, (p_before).balance_max, (p_before).debt_max
    ) THEN 'account_closed'
    WHEN (p_after).status = 'CLOSED' AND ((p_before).balance <> 0 OR (p_before).held <> 0) THEN 'account_not_empty'
    -- A wallet that a clawback left in debt is below its floor; it may still be given a lower one.
    WHEN (p_after).balance_min > (p_before).balance_min AND (p_before).balance - (p_before).held < (p_after).balance_min
        THEN 'credit_limit_too_low'
    WHEN (p_before).balance < (p_after).balance_min - (p_after).debt_max THEN 'debt_max_too_low'
    WHEN (p_before).balance > (p_after).balance_max AND (p_after).balance_max IS DISTINCT FROM (p_before).balance_max
        THEN 'balance_max_too_low'
END;

COMMENT ON FUNCTION wallet.change_refusal(wallet.accounts, wallet.accounts) IS
'The code of the first rule that a change of an account breaks; NULL when it may be made. The account before must be locked, its holds that ran out booked.';
