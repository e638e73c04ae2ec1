-- Where a page of accounts is, newest first. Wallets are found by their owner, or asset by asset and status by status, each as far as
-- the page needs and then merged: the cost is that of the page, times the number of assets.
CREATE OR REPLACE FUNCTION wallet.find_accounts(
    p_external_id text,
    p_owner_id text,
    p_status wallet.account_status,
    p_account_type wallet.account_type,
    p_asset_type_ids uuid[],
    p_after_id uuid,
    p_limit bigint
)
RETURNS uuid[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = 'force_custom_plan'
AS $$
DECLARE
    v_id CONSTANT uuid := coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    v_at CONSTANT timestamptz := CASE
        WHEN p_after_id IS NULL THEN 'infinity'
        ELSE (SELECT a.created_at FROM wallet.accounts AS a WHERE a.id = p_after_id)
    END;
BEGIN
    IF p_external_id IS NOT NULL OR p_owner_id IS NOT NULL THEN
        RETURN ARRAY(
            SELECT a.id
            FROM wallet.accounts AS a
            WHERE
                (p_external_id IS NULL OR a.external_id = p_external_id) AND (p_owner_id IS NULL OR a.owner_id = p_owner_id)
                AND (p_status IS NULL OR a.status = p_status) AND (p_account_type IS NULL OR a.account_type = p_account_type)
                AND (p_asset_type_ids IS NULL OR a.asset_type_id = ANY(p_asset_type_ids))
                AND a.stripe = 0 AND (a.created_at, a.id) < (v_at, v_id)
            ORDER BY a.created_at DESC, a.id DESC LIMIT p_limit
        );
    END IF;
    RETURN ARRAY(
        SELECT m.id
        FROM (
            SELECT w.id, w.created_at
            FROM wallet.asset_types AS t
            CROSS JOIN unnest(enum_range(NULL::wallet.account_status)) AS s (status)
            CROSS JOIN LATERAL (
                SELECT a.id, a.created_at
                FROM wallet.accounts AS a
                WHERE
                    a.account_type = 'USER' AND a.asset_type_id = t.id AND a.status = s.status
                    AND (a.created_at, a.id) < (v_at, v_id)
                ORDER BY a.created_at DESC, a.id DESC LIMIT p_limit
            ) AS w
            WHERE
                (p_asset_type_ids IS NULL OR t.id = ANY(p_asset_type_ids)) AND (p_status IS NULL OR s.status = p_status)
                AND coalesce(p_account_type, 'USER') = 'USER'
            UNION ALL
            SELECT a.id, a.created_at
            FROM wallet.accounts AS a
            WHERE
                a.account_type <> 'USER' AND a.stripe = 0 AND (p_account_type IS NULL OR a.account_type = p_account_type)
                AND (p_asset_type_ids IS NULL OR a.asset_type_id = ANY(p_asset_type_ids))
                AND (p_status IS NULL OR a.status = p_status) AND (a.created_at, a.id) < (v_at, v_id)
        ) AS m
        ORDER BY m.created_at DESC, m.id DESC LIMIT p_limit
    );
END;
$$;

COMMENT ON FUNCTION wallet.find_accounts(
    text, text, wallet.account_status, wallet.account_type, uuid[], uuid, bigint
) IS
'The ids of the next p_limit accounts that match, newest first, after p_after_id (NULL: from the newest); NULL filters do not filter. None when there is no account p_after_id.';
