-- What was drawn on spending limits and budgets: the debits are counted, the budgets moved.
CREATE OR REPLACE FUNCTION wallet.write_limits(p_cells wallet.limit_cell[], p_balances numeric[], p_posted_at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Wallets on which nothing was posted are left alone: their next posting may have an earlier instant.
    PERFORM wallet.count_debits(ARRAY(
        SELECT DISTINCT c.account_id
        FROM unnest(p_cells, p_balances) AS c (rule_id, account_id, is_count, balance_before, floor, code, balance)
        WHERE c.account_id IS NOT NULL AND c.balance <> c.balance_before
    ), p_posted_at);
    UPDATE wallet.budgets AS b
    SET issued = -c.balance, updated_at = greatest(b.updated_at, p_posted_at)
    FROM unnest(p_cells, p_balances) AS c (rule_id, account_id, is_count, balance_before, floor, code, balance)
    WHERE b.id = c.rule_id AND c.account_id IS NULL AND c.balance <> c.balance_before;
END;
$$;

COMMENT ON FUNCTION wallet.write_limits(wallet.limit_cell[], numeric[], timestamptz) IS
'Writes what the settling loop made of these cells; p_balances are their balances after it.';
