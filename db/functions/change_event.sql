-- A change of what is no posting, as the event feed shows it.
CREATE OR REPLACE FUNCTION wallet.change_event(
    p_number bigint,
    OUT occurred_at timestamptz,
    OUT asset_type_id uuid,
    OUT account_ids uuid[],
    OUT data json
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_change wallet.changes;
    v_limit wallet.spending_limits;
BEGIN
    SELECT * INTO STRICT v_change FROM wallet.changes AS c WHERE c.event_number = p_number;
    SELECT * INTO v_limit FROM wallet.spending_limits AS s WHERE s.id = v_change.object_id;
    occurred_at := v_change.changed_at;
    asset_type_id := v_change.asset_type_id;
    account_ids := array_remove(
        ARRAY[CASE v_change.object_type WHEN 'ACCOUNT' THEN v_change.object_id ELSE v_limit.account_id END], NULL
    );
    data := json_build_object(
        'id', v_change.object_id,
        'name', coalesce(v_limit.name, (SELECT nullif(b.campaign, '') FROM wallet.budgets AS b WHERE b.id = v_change.object_id)),
        'number', v_change.number,
        'changedBy', v_change.changed_by,
        'reason', v_change.reason,
        'before', v_change.old_values,
        'after', v_change.new_values
    );
END;
$$;

COMMENT ON FUNCTION wallet.change_event(bigint) IS
'The change with this event_number: when, of which asset, whose account, and {id: of what was changed, name: of a spending limit or campaign, number, changedBy, reason, before, after}.';
