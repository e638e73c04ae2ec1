-- One key, one transaction, both ways. The way from the keys has no index, so a quick run goes the other way only.
CREATE OR REPLACE FUNCTION wallet.check_idempotency_keys(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (key text, transaction_id uuid, problem text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.idempotency_key, t.id, 'transaction without its key'
    FROM wallet.transactions AS t
    LEFT JOIN wallet.idempotency_keys AS k ON t.idempotency_key = k.key
    WHERE t.id >= p_since_id AND k.transaction_id IS DISTINCT FROM t.id
    UNION ALL
    SELECT k.key, k.transaction_id, 'key without its transaction'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.transactions AS t ON k.transaction_id = t.id
    WHERE
        p_since_id = '00000000-0000-0000-0000-000000000000'
        AND k.transaction_id IS NOT NULL AND t.idempotency_key IS DISTINCT FROM k.key
    UNION ALL
    SELECT k.key, k.account_id, 'key without its account'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.accounts AS a ON k.account_id = a.id
    WHERE p_since_id = '00000000-0000-0000-0000-000000000000' AND k.account_id IS NOT NULL AND a.id IS NULL;
END;
$$;

COMMENT ON FUNCTION wallet.check_idempotency_keys(uuid) IS
'Transactions and idempotency keys that do not name each other, and keys whose account does not exist. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_idempotency_keys(uuid) TO wallet_service, wallet_auditor;
