-- A wallet, under an optional idempotency key. The key is claimed first: a second request with it waits, then gets the first answer.
CREATE OR REPLACE FUNCTION wallet.create_account(
    p_name text,
    p_asset_type_id uuid,
    p_external_id text DEFAULT NULL,
    p_email text DEFAULT NULL,
    p_idempotency_key text DEFAULT NULL,
    p_owner_id text DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_account wallet.accounts;
    v_answer json;
    v_replay wallet.keyed_answer;
    -- An owner only where there is one, so that a replay still matches a request that is older than owners.
    v_request CONSTANT jsonb := jsonb_build_object(
        'name', p_name, 'assetTypeId', p_asset_type_id, 'externalId', p_external_id, 'email', p_email
    ) || jsonb_strip_nulls(jsonb_build_object('ownerId', p_owner_id));
BEGIN
    PERFORM wallet.check_account_fields(p_name, p_asset_type_id, p_external_id, p_email, p_owner_id);
    v_account.id := gen_random_uuid();
    v_account.asset_type_id := p_asset_type_id;
    v_account.asset_decimals := (SELECT t.decimals FROM wallet.asset_types AS t WHERE t.id = p_asset_type_id);
    v_account.external_id := p_external_id;
    v_account.name := p_name;
    v_account.email := p_email;
    v_account.owner_id := p_owner_id;
    v_account.account_type := 'USER';
    v_account.status := 'ACTIVE';
    v_account.credits_allowed := TRUE;
    v_account.balance := 0;
    v_account.balance_min := 0;
    v_account.debt_max := 0;
    v_account.held := 0;
    v_account.created_at := clock_timestamp();
    v_account.updated_at := v_account.created_at;
    v_answer := wallet.account_json(v_account, v_account.balance, v_account.updated_at);
    v_replay := wallet.claim_request(p_idempotency_key, v_account.id, NULL, v_request, v_answer);
    IF v_replay.replayed THEN
        RETURN v_replay;
    END IF;
    IF v_account.asset_decimals IS NULL THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    PERFORM wallet.mark_numbers();
    INSERT INTO wallet.accounts (
        id, asset_type_id, asset_decimals, external_id, name, email, owner_id, created_at, updated_at, event_number
    )
    VALUES (
        v_account.id, p_asset_type_id, v_account.asset_decimals, p_external_id, p_name, p_email, p_owner_id,
        v_account.created_at, v_account.updated_at, nextval('wallet.transaction_numbers')
    )
    ON CONFLICT ON CONSTRAINT accounts_external_id_key DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Another account has this externalId.' USING ERRCODE = 'WL006';
    END IF;
    RETURN ROW(FALSE, v_answer)::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.create_account(text, uuid, text, text, text, text) IS
'Creates a wallet in an asset and gives it as JSON; the same key and request again give the first answer, replayed. Raises WL001 (a field), WL002 (the key), WL011 (the key was used otherwise), WL004 (no such asset type), WL006 (external id taken), in this order.';

GRANT EXECUTE ON FUNCTION wallet.create_account(text, uuid, text, text, text, text) TO wallet_service, wallet_jobs;
