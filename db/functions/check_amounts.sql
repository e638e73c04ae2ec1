-- A CHECK holds each of these; here for the day on which one was dropped. NaN sorts above every number.
CREATE OR REPLACE FUNCTION wallet.check_amounts(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (kind text, transaction_id uuid, amount numeric, balance_after numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'transaction', t.id, t.amount, NULL::numeric
    FROM wallet.transactions AS t
    JOIN wallet.asset_types AS y ON t.asset_type_id = y.id
    WHERE t.id >= p_since_id AND (t.amount <= 0 OR t.amount >= 100000000000000 OR t.amount <> round(t.amount, y.decimals))
    UNION ALL
    SELECT 'entry', e.transaction_id, e.amount, e.balance_after
    FROM wallet.ledger_entries AS e
    JOIN wallet.accounts AS a ON e.account_id = a.id
    WHERE
        e.transaction_id >= p_since_id
        AND (
            e.amount <= 0 OR e.amount >= 100000000000000 OR e.amount <> round(e.amount, a.asset_decimals)
            OR e.balance_after = 'NaN' OR e.balance_after <> round(e.balance_after, a.asset_decimals)
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_amounts(uuid) IS
'Amounts that are not above zero and below 10^14, balances that are no number, and either with more decimals than the asset has. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_amounts(uuid) TO wallet_service, wallet_auditor;
