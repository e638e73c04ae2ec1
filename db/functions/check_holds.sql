-- What a hold is, and what became of it. A CHECK holds some of this as well; here for the day on which it was dropped.
CREATE OR REPLACE FUNCTION wallet.check_holds(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (hold_id uuid, state text, problem text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.id, h.state::text, p.problem
    FROM wallet.holds AS h
    LEFT JOIN wallet.asset_types AS y ON h.asset_type_id = y.id
    LEFT JOIN wallet.accounts AS s ON h.account_id = s.id
    LEFT JOIN wallet.accounts AS d ON h.dest_account_id = d.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN h.amount <= 0 OR h.amount >= 100000000000000 OR h.amount <> round(h.amount, y.decimals)
                THEN 'its amount is none of its asset'
            WHEN
                s.account_type <> 'USER' OR d.account_type NOT IN ('USER', 'REVENUE') OR h.account_id = h.dest_account_id
                THEN 'it does not run from a wallet to another, or to revenue'
            WHEN h.expires_at <= h.created_at OR h.expires_at > h.created_at + interval '367 days' THEN 'its time is too short or too long'
            WHEN (h.state = 'CAPTURED') <> (h.capture_id IS NOT NULL) OR (h.state = 'CAPTURED') <> (h.captured > 0)
                THEN 'it is captured, and is not'
            WHEN (h.state = 'VOIDED') <> (h.void_id IS NOT NULL) OR (h.state = 'VOIDED') <> (h.void_key IS NOT NULL)
                THEN 'it is voided, and is not'
            WHEN h.captured > h.amount THEN 'more was captured than was held'
            WHEN
                (CASE h.state
                    WHEN 'ACTIVE' THEN h.closed_at IS NULL
                    WHEN 'EXPIRED' THEN h.closed_at = h.expires_at
                    ELSE h.closed_at >= h.created_at AND h.closed_at < h.expires_at
                END) IS NOT TRUE
                THEN 'it was not closed when its state says'
        END AS problem
    ) AS p
    WHERE h.id >= p_since_id AND p.problem IS NOT NULL;
END;
$$;

COMMENT ON FUNCTION wallet.check_holds(uuid) IS
'Holds that contradict themselves, or that no wallet could have made. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_holds(uuid) TO wallet_service, wallet_auditor;
