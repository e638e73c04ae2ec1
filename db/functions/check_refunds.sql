-- A refund is its original, or part of it, the other way round.
CREATE OR REPLACE FUNCTION wallet.check_refunds(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, refund_of uuid, problem text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT r.id, r.related_id, p.problem
    FROM wallet.transactions AS r
    LEFT JOIN wallet.transactions AS t ON r.related_id = t.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN t.id IS NULL THEN 'the original does not exist'
            WHEN t.type IN ('REFUND', 'CONVERSION') THEN 'the original cannot be refunded'
            WHEN t.id >= r.id OR t.created_at > r.created_at THEN 'the original is younger'
            WHEN r.asset_type_id <> t.asset_type_id OR r.amount > t.amount THEN 'the original is smaller, or of another asset'
            WHEN
                r.source_account_id IS DISTINCT FROM t.dest_account_id OR r.dest_account_id IS DISTINCT FROM t.source_account_id
                OR r.leg_account_ids IS DISTINCT FROM t.leg_account_ids
                THEN 'it does not run between the same accounts, the other way round'
            WHEN r.leg_account_ids IS NOT NULL AND EXISTS (
                SELECT
                FROM unnest(r.leg_account_ids, r.leg_versions, t.leg_versions) AS l (account_id, version, original_version)
                LEFT JOIN wallet.ledger_entries AS e ON l.account_id = e.account_id AND l.version = e.version
                LEFT JOIN wallet.ledger_entries AS o ON l.account_id = o.account_id AND l.original_version = o.version
                WHERE (e.amount = o.amount AND e.entry_type <> o.entry_type) IS NOT TRUE
            ) THEN 'an entry is not its original''s the other way round'
        END AS problem
    ) AS p
    WHERE r.id >= p_since_id AND r.type = 'REFUND' AND p.problem IS NOT NULL;
END;
$$;

COMMENT ON FUNCTION wallet.check_refunds(uuid) IS
'Refunds that are not, whole or in part, an earlier transaction the other way round. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_refunds(uuid) TO wallet_service, wallet_auditor;
