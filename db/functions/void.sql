-- Frees a held amount.
CREATE OR REPLACE FUNCTION wallet.void(
    p_hold_id uuid,
    p_idempotency_key text
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN wallet.post_one(
        ROW(
            'VOID', p_idempotency_key, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, p_hold_id, NULL, NULL, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.void(uuid, text) IS
'Frees a held amount. Gives the hold as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.void(uuid, text) TO wallet_service, wallet_jobs;
