-- The spending limits of an asset, or all that a wallet must keep, with what is left of them now. Lifted ones are left out.
CREATE OR REPLACE FUNCTION wallet.list_spending_limits(p_asset_type_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_account wallet.accounts;
    v_asset wallet.asset_types;
    v_at CONSTANT timestamptz := clock_timestamp();
    v_ids uuid[];
BEGIN
    SELECT * INTO v_account FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0;
    SELECT * INTO v_asset FROM wallet.asset_types AS t WHERE t.id = coalesce(p_asset_type_id, v_account.asset_type_id);
    PERFORM wallet.check_limited(p_account_id, v_account, v_asset, '{}');
    v_ids := ARRAY(
        SELECT s.id FROM wallet.spending_limits AS s WHERE s.asset_type_id = v_asset.id AND s.account_id IS NULL
        UNION ALL
        SELECT s.id FROM wallet.spending_limits AS s WHERE s.asset_type_id = v_asset.id AND s.account_id = p_account_id
    );
    RETURN coalesce((
        SELECT jsonb_agg(
            wallet.limit_settings(s) || jsonb_build_object('id', s.id) || CASE
                WHEN p_account_id IS NULL THEN '{}'
                ELSE (
                    SELECT jsonb_build_object(
                        'amountAvailable', trim_scale(CASE WHEN r.amount_left < 0 THEN 0 ELSE r.amount_left END),
                        'countAvailable', CASE WHEN r.count_left < 0 THEN 0 ELSE r.count_left END
                    )
                    FROM wallet.limit_room(s, p_account_id, greatest(v_at, v_account.updated_at)) AS r
                )
            END
            ORDER BY s.account_id NULLS FIRST, s.name
        )
        FROM wallet.spending_limits AS s
        WHERE s.id = ANY(v_ids) AND num_nonnulls(s.amount_max, s.count_max) > 0
    ), '[]');
END;
$$;

COMMENT ON FUNCTION wallet.list_spending_limits(uuid, uuid) IS
'The limits of each wallet of an asset (p_account_id NULL), or all that apply to a wallet, with amountAvailable and countAvailable at this moment (null: any), as a JSON list. Raises WL003, WL004, WL008, WL009.';

GRANT EXECUTE ON FUNCTION wallet.list_spending_limits(uuid, uuid) TO wallet_service, wallet_jobs, wallet_auditor;
