-- Moves an amount from one wallet to another of the same asset.
CREATE OR REPLACE FUNCTION wallet.transfer(
    p_from_account_id uuid,
    p_to_account_id uuid,
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
            'TRANSFER', p_idempotency_key, p_from_account_id, p_asset_type_id, p_amount, p_reference_id, p_description, p_metadata,
            p_to_account_id, NULL, NULL, NULL, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.transfer(uuid, uuid, uuid, numeric, text, text, text, jsonb) IS
'Moves an amount from one wallet to another of the same asset. Gives the transaction as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.transfer(uuid, uuid, uuid, numeric, text, text, text, jsonb) TO wallet_service, wallet_jobs;
