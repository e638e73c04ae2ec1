-- Idempotency keys of an older service. A request that is sent again under one of them after the move is refused, never posted twice.
CREATE OR REPLACE FUNCTION wallet.import_keys(p_keys jsonb)
RETURNS TABLE (key text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO wallet.idempotency_keys (key, asset_type_id, request, answer)
    SELECT
        i.key, i.asset_type_id,
        jsonb_build_object('operation', 'IMPORTED_TRANSACTION', 'transactionId', i.answer ->> 'id'), i.answer
    FROM jsonb_to_recordset(p_keys) AS i (key text, asset_type_id uuid, answer json)
    ORDER BY i.key COLLATE "C"
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING;
    RETURN QUERY
    SELECT k.key
    FROM jsonb_to_recordset(p_keys) AS i (key text, answer json)
    JOIN wallet.idempotency_keys AS k ON i.key = k.key
    WHERE k.request ->> 'transactionId' IS DISTINCT FROM i.answer ->> 'id';
END;
$$;

COMMENT ON FUNCTION wallet.import_keys(jsonb) IS
'Keeps idempotency keys of an older service with the transaction that each one made there, [{"key", "asset_type_id", "answer"}]: the answer is what wallet.get_idempotency_key gives. Keys that are there already stay; gives those that made something else.';
