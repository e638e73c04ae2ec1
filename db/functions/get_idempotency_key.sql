-- What was made under a key: the question of a caller who lost the answer.
CREATE OR REPLACE FUNCTION wallet.get_idempotency_key(p_idempotency_key text)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_answer json;
BEGIN
    SELECT json_build_object(
        'idempotencyKey', k.key,
        'operation', coalesce(
            t.type::text, CASE h.id WHEN k.transaction_id THEN 'HOLD' END, CASE WHEN h.id IS NOT NULL THEN 'VOID' END,
            k.request ->> 'operation', 'CREATE_ACCOUNT'
        ),
        'assetTypeId', coalesce(t.asset_type_id, h.asset_type_id, a.asset_type_id, k.asset_type_id),
        'createdAt', wallet.instant_json(k.created_at),
        'answer', CASE
            WHEN t.id IS NOT NULL THEN wallet.transaction_json(t, NULL)
            WHEN h.id IS NOT NULL THEN wallet.hold_answer_json(k.transaction_id)
            ELSE k.answer
        END
    ) INTO v_answer
    FROM wallet.idempotency_keys AS k
    LEFT JOIN wallet.transactions AS t ON k.transaction_id = t.id
    LEFT JOIN LATERAL wallet.hold_of(k.transaction_id) AS h ON t.id IS NULL
    LEFT JOIN wallet.accounts AS a ON k.account_id = a.id
    WHERE k.key = p_idempotency_key;
    IF v_answer IS NULL THEN
        RAISE EXCEPTION '%', wallet.refusal_error('idempotency_key_not_found', NULL, NULL) USING ERRCODE = 'WL031';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION wallet.get_idempotency_key(text) IS
'What was made under a key, as JSON: idempotencyKey, operation (a type of transaction, HOLD, VOID, CREATE_ACCOUNT, CHANGE_ACCOUNT, CREATE_ASSET_TYPE, CHANGE_ASSET_TYPE, SET_SPENDING_LIMIT, SET_BUDGET, CREATE_WEBHOOK, CHANGE_WEBHOOK, ROTATE_WEBHOOK_SECRET, DELETE_WEBHOOK, REDELIVER, IMPORTED_TRANSACTION), assetTypeId (null: of a webhook), createdAt, and the first answer. Raises WL031 when the key made nothing.';

GRANT EXECUTE ON FUNCTION wallet.get_idempotency_key(text) TO wallet_service, wallet_jobs, wallet_auditor;
