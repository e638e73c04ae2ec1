-- One key, one transaction, hold or void, both ways. The way from the keys has no index, so a quick run goes the other way only.
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
    SELECT m.key, m.id, m.kind || ' without its key'
    FROM (
        SELECT h.idempotency_key AS key, h.id, 'hold' AS kind FROM wallet.holds AS h WHERE h.id >= p_since_id
        UNION ALL
        SELECT h.void_key, h.void_id, 'void' FROM wallet.holds AS h WHERE h.void_id >= p_since_id
    ) AS m
    LEFT JOIN wallet.idempotency_keys AS k ON m.key = k.key
    WHERE k.transaction_id IS DISTINCT FROM m.id
    UNION ALL
    SELECT k.key, k.transaction_id, 'key without its transaction'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.transactions AS t ON k.transaction_id = t.id
    LEFT JOIN wallet.holds AS h ON k.transaction_id = h.id
    LEFT JOIN wallet.holds AS v ON k.transaction_id = v.void_id
    WHERE
        p_since_id = '00000000-0000-0000-0000-000000000000'
        AND k.transaction_id IS NOT NULL AND coalesce(t.idempotency_key, h.idempotency_key, v.void_key) IS DISTINCT FROM k.key
    UNION ALL
    SELECT k.key, k.account_id, CASE WHEN a.id IS NULL THEN 'key without its account' ELSE 'answer about another account' END
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.accounts AS a ON k.account_id = a.id
    WHERE
        p_since_id = '00000000-0000-0000-0000-000000000000' AND k.account_id IS NOT NULL
        -- What of an account cannot change.
        AND (
            a.id IS NULL OR k.answer ->> 'id' <> a.id::text OR k.answer ->> 'assetTypeId' <> a.asset_type_id::text
            OR k.answer ->> 'accountType' <> a.account_type::text OR k.request ->> 'assetTypeId' <> a.asset_type_id::text
            OR (k.answer ->> 'createdAt')::timestamptz <> a.created_at
            OR (k.request ? 'externalId' AND k.request ->> 'externalId' IS DISTINCT FROM a.external_id)
        )
    UNION ALL
    SELECT k.key, k.asset_type_id, 'key without its asset type'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.asset_types AS y ON k.asset_type_id = y.id
    WHERE p_since_id = '00000000-0000-0000-0000-000000000000' AND k.asset_type_id IS NOT NULL AND y.id IS NULL
    UNION ALL
    SELECT k.key, k.webhook_id, 'key without its webhook'
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.webhooks AS w ON k.webhook_id = w.id
    WHERE p_since_id = '00000000-0000-0000-0000-000000000000' AND k.webhook_id IS NOT NULL AND w.id IS NULL;
END;
$$;

COMMENT ON FUNCTION wallet.check_idempotency_keys(uuid) IS
'Transactions, holds, voids and idempotency keys that do not name each other, and keys whose account, asset type or webhook does not exist or whose answer is about another account. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_idempotency_keys(uuid) TO wallet_service, wallet_auditor;
