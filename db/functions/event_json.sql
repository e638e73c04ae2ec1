-- An event as the feed shows it: with the resource as it was made, whatever has become of it since, so that it reads the same for ever.
CREATE OR REPLACE FUNCTION wallet.event_json(p_event wallet.event)
RETURNS json
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_transaction wallet.transactions;
    v_hold wallet.holds;
    v_account wallet.accounts;
    v_at timestamptz;
    v_asset_type_id uuid;
    v_account_ids uuid[];
    v_data json;
BEGIN
    CASE
        WHEN p_event.type = 'transaction.posted' THEN
            SELECT * INTO STRICT v_transaction FROM wallet.transactions AS t WHERE t.id = p_event.object_id;
            v_at := v_transaction.created_at;
            v_asset_type_id := v_transaction.asset_type_id;
            v_account_ids := coalesce(
                v_transaction.leg_account_ids, ARRAY[v_transaction.source_account_id, v_transaction.dest_account_id]
            );
            v_data := wallet.transaction_json(v_transaction, NULL);
        WHEN p_event.type LIKE 'hold.%' THEN
            SELECT * INTO STRICT v_hold FROM wallet.holds AS h WHERE h.id = p_event.object_id;
            v_at := CASE p_event.type WHEN 'hold.created' THEN v_hold.created_at ELSE v_hold.closed_at END;
            v_asset_type_id := v_hold.asset_type_id;
            v_account_ids := ARRAY[v_hold.account_id];
            v_data := CASE p_event.type
                WHEN 'hold.created' THEN wallet.hold_answer_json(v_hold.id) ELSE wallet.hold_json(v_hold, v_at)
            END;
        WHEN p_event.type = 'account.opened' THEN
            SELECT * INTO STRICT v_account FROM wallet.accounts AS a WHERE a.id = p_event.object_id;
            v_at := v_account.created_at;
            v_asset_type_id := v_account.asset_type_id;
            v_account_ids := ARRAY[v_account.id];
            v_data := wallet.account_json(wallet.opened_account(v_account), 0, v_at);
        ELSE
            SELECT c.occurred_at, c.asset_type_id, c.account_ids, c.data INTO v_at, v_asset_type_id, v_account_ids, v_data
            FROM wallet.change_event(p_event.number) AS c;
    END CASE;
    RETURN '{"id":"' || p_event.id
        || '","type":"' || p_event.type
        || '","occurredAt":"' || wallet.instant_json(v_at)
        || '","accountIds":' || coalesce((
            SELECT json_agg(DISTINCT wallet.public_account_id(a.id))::text FROM unnest(v_account_ids) AS a (id)
        ), '[]')
        || ',"assetTypeId":"' || v_asset_type_id
        || '","data":' || v_data || '}';
END;
$$;

COMMENT ON FUNCTION wallet.event_json(wallet.event) IS
'An event as JSON: id, type, occurredAt, accountIds, assetTypeId, data. The same at any time.';
