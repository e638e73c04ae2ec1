-- Turns an amount of one asset into another asset at a stated rate.
CREATE OR REPLACE FUNCTION wallet.convert(
    p_from_account_id uuid,
    p_to_account_id uuid,
    p_amount numeric,
    p_rate numeric,
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
            'CONVERSION', p_idempotency_key, p_from_account_id, NULL, p_amount, p_reference_id, p_description, p_metadata,
            p_to_account_id, NULL, NULL, NULL, NULL, p_rate, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.convert(uuid, uuid, numeric, numeric, text, text, text, jsonb) IS
'Debits p_amount from one wallet and credits p_amount times p_rate, cut to the other asset''s decimals, to another; what is cut off is noted on the transaction. Gives the transaction as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.convert(uuid, uuid, numeric, numeric, text, text, text, jsonb) TO wallet_service, wallet_jobs;
