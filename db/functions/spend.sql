-- Debits a wallet to the asset's revenue account.
CREATE OR REPLACE FUNCTION wallet.spend(
    p_account_id uuid,
    p_asset_type_id uuid,
    p_amount numeric,
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
            'SPEND', p_idempotency_key, p_account_id, p_asset_type_id, p_amount, p_reference_id, p_description, p_metadata,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.spend(uuid, uuid, numeric, text, text, text, jsonb) IS
'Debits a wallet to the asset''s revenue account. Gives the transaction as JSON and whether the key had made it before. Raises WL002, WL001, WL011, WL003, WL004, WL009, WL008, WL010, WL007 insufficient_balance (wallet.refusals() has the meanings).';

GRANT EXECUTE ON FUNCTION wallet.spend(uuid, uuid, numeric, text, text, text, jsonb) TO wallet_service, wallet_jobs;
