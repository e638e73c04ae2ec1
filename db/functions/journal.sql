-- Posts several debits and credits of one asset that balance.
CREATE OR REPLACE FUNCTION wallet.journal(
    p_asset_type_id uuid,
    p_entries jsonb,
    p_idempotency_key text,
    p_reference_id text DEFAULT NULL,
    p_description text DEFAULT NULL,
    p_metadata jsonb DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN wallet.post_one(
        ROW(
            'JOURNAL', p_idempotency_key, NULL, p_asset_type_id, NULL, p_reference_id, p_description, p_metadata,
            NULL, NULL, p_entries, NULL, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.journal(uuid, jsonb, text, text, text, jsonb) IS
'Posts 2 to 100 debits and credits of one asset that balance: [{"accountId", "entryType": "DEBIT" or "CREDIT", "amount"}], each account once. Gives the transaction as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.journal(uuid, jsonb, text, text, text, jsonb) TO wallet_service, wallet_jobs;
