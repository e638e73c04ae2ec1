-- One key, one transaction, both ways.
CREATE OR REPLACE FUNCTION wallet.check_idempotency_keys()
RETURNS TABLE (key text, transaction_id uuid, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.idempotency_key, t.id, 'transaction without its key'
    FROM wallet.transactions AS t
    LEFT JOIN wallet.idempotency_keys AS k ON t.idempotency_key = k.key
    WHERE k.transaction_id IS DISTINCT FROM t.id
    UNION ALL
    SELECT k.key, k.transaction_id, 'key without its transaction'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.transactions AS t ON k.transaction_id = t.id
    WHERE k.transaction_id IS NOT NULL AND t.idempotency_key IS DISTINCT FROM k.key
    UNION ALL
    SELECT k.key, k.account_id, 'key without its account'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.accounts AS a ON k.account_id = a.id
    WHERE k.account_id IS NOT NULL AND a.id IS NULL
$$;

COMMENT ON FUNCTION wallet.check_idempotency_keys() IS
'Transactions and idempotency keys that do not name each other, and keys whose account does not exist.';

GRANT EXECUTE ON FUNCTION wallet.check_idempotency_keys() TO wallet_service, wallet_auditor;
