-- Gives back a transaction, or part of it.
CREATE OR REPLACE FUNCTION wallet.refund(
    p_transaction_id uuid,
    p_idempotency_key text,
    p_amount numeric DEFAULT NULL,
    p_reason text DEFAULT NULL,
    p_on_shortfall text DEFAULT NULL,
    p_reference_id text DEFAULT NULL,
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
            'REFUND', p_idempotency_key, NULL, NULL, p_amount, p_reference_id, p_reason, p_metadata,
            NULL, p_transaction_id, NULL, NULL, p_on_shortfall, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.refund(uuid, text, numeric, text, text, text, jsonb) IS
'Gives back a transaction, or part of it: its entries the other way round. p_amount NULL: all that is left. p_on_shortfall: refuse (the default), or debt, which takes the wallet below its floor down to its debt_max. The reason becomes the description. Gives the transaction as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.refund(uuid, text, numeric, text, text, text, jsonb) TO wallet_service, wallet_jobs;
