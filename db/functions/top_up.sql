-- Credits a wallet from the asset's treasury: bought or granted value comes in.
CREATE OR REPLACE FUNCTION wallet.top_up(
    p_account_id uuid,
    p_asset_type_id uuid,
    p_amount numeric,
    p_idempotency_key text,
    p_reference_id text DEFAULT NULL,
    p_description text DEFAULT NULL,
    p_metadata jsonb DEFAULT NULL,
    p_campaign text DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN wallet.post_one(
        ROW(
            'TOP_UP', p_idempotency_key, p_account_id, p_asset_type_id, p_amount, p_reference_id, p_description, p_metadata,
            NULL, NULL, NULL, NULL, NULL, NULL, p_campaign
        )
    );
END;
$$;

COMMENT ON FUNCTION wallet.top_up(uuid, uuid, numeric, text, text, text, jsonb, text) IS
'Credits a wallet from the asset''s treasury: bought or granted value comes in. Gives the transaction as JSON and whether the key had made it before. Raises WL002, WL001, WL011, WL003, WL004, WL009, WL008, WL010 (wallet.refusals() has the meanings).';

GRANT EXECUTE ON FUNCTION wallet.top_up(uuid, uuid, numeric, text, text, text, jsonb, text) TO wallet_service, wallet_jobs;
