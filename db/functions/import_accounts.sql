-- Wallets of an older service, under the ids that their callers know.
CREATE OR REPLACE FUNCTION wallet.import_accounts(p_accounts jsonb)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM wallet.mark_numbers();
    INSERT INTO wallet.accounts (id, asset_type_id, asset_decimals, external_id, name, email, created_at, event_number)
    SELECT
        i.id, i.asset_type_id, t.decimals, i.external_id, i.name, i.email, i.created_at, nextval('wallet.transaction_numbers')
    FROM jsonb_to_recordset(p_accounts) AS i (
        id uuid, asset_type_id uuid, external_id text, name text, email text, created_at timestamptz
    )
    JOIN wallet.asset_types AS t ON i.asset_type_id = t.id
    ORDER BY i.id
    ON CONFLICT ON CONSTRAINT accounts_pkey DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION wallet.import_accounts(jsonb) IS
'Opens wallets with a balance of zero under given ids, [{"id", "asset_type_id", "external_id", "name", "email", "created_at"}], and gives how many are new: an id that is there already is left as it is. wallet.import_problems says beforehand what would be refused. Raises 23505 for an external id that is taken, 23514 for a field that is too long or empty.';
