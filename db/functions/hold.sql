-- Reserves an amount on a wallet, to be captured or voided later.
CREATE OR REPLACE FUNCTION wallet.hold(
    p_account_id uuid,
    p_asset_type_id uuid,
    p_amount numeric,
    p_idempotency_key text,
    p_expires_at timestamptz DEFAULT NULL,
    p_to_account_id uuid DEFAULT NULL,
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
            'HOLD', p_idempotency_key, p_account_id, p_asset_type_id, p_amount, p_reference_id, p_description, p_metadata,
            p_to_account_id, NULL, NULL, p_expires_at, NULL, NULL, NULL
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.hold(uuid, uuid, numeric, text, timestamptz, uuid, text, text, jsonb) IS
'Reserves an amount on a wallet until p_expires_at (7 days from now unless told, at most 366 days), for p_to_account_id or, NULL, the asset''s revenue account. Gives the hold as JSON and whether the key had made it before. wallet.refusals() has the meanings of the SQLSTATEs raised.';

GRANT EXECUTE ON FUNCTION wallet.hold(uuid, uuid, numeric, text, timestamptz, uuid, text, text, jsonb) TO wallet_service, wallet_jobs;
