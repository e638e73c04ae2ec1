-- Moves a held amount, or part of it, to where the hold says; the rest is freed.
CREATE OR REPLACE FUNCTION wallet.capture(
    p_hold_id uuid,
    p_idempotency_key text,
    p_amount numeric DEFAULT NULL,
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
            'CAPTURE', p_idempotency_key, NULL, NULL, p_amount, p_reference_id, p_description, p_metadata,
            NULL, p_hold_id, NULL, NULL, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.capture(uuid, text, numeric, text, text, jsonb) IS
'Moves a held amount, or part of it, to where the hold says; the rest is freed. p_amount NULL: all of it. Gives the transaction as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.capture(uuid, text, numeric, text, text, jsonb) TO wallet_service, wallet_jobs;
