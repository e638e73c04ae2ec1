-- A capture and its hold say the same, both ways.
CREATE OR REPLACE FUNCTION wallet.check_captures(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, hold_id uuid, problem text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.related_id, p.problem
    FROM wallet.transactions AS t
    LEFT JOIN wallet.holds AS h ON t.related_id = h.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN h.id IS NULL THEN 'the hold does not exist'
            WHEN h.capture_id IS DISTINCT FROM t.id THEN 'the hold has another capture, or none'
            WHEN h.captured <> t.amount OR h.closed_at IS DISTINCT FROM t.created_at THEN 'the hold was captured otherwise'
            WHEN
                (t.source_account_id, t.dest_account_id, t.asset_type_id)
                IS DISTINCT FROM (h.account_id, h.dest_account_id, h.asset_type_id)
                THEN 'the hold has other accounts'
            WHEN h.id >= t.id THEN 'the hold is younger'
        END AS problem
    ) AS p
    WHERE t.id >= p_since_id AND t.type = 'CAPTURE' AND p.problem IS NOT NULL
    UNION ALL
    SELECT h.capture_id, h.id, 'the capture does not exist'
    FROM wallet.holds AS h
    LEFT JOIN wallet.transactions AS t ON h.capture_id = t.id
    WHERE h.capture_id >= p_since_id AND (t.type = 'CAPTURE' AND t.related_id = h.id) IS NOT TRUE;
END;
$$;

COMMENT ON FUNCTION wallet.check_captures(uuid) IS
'Captures whose hold does not say the same, and captured holds without their capture. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_captures(uuid) TO wallet_service, wallet_auditor;
