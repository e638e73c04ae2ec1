-- Stands in for the foreign keys that the posting path does without.
CREATE OR REPLACE FUNCTION wallet.check_orphans(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (kind text, id uuid, missing text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'entry', e.transaction_id, 'transaction'
    FROM wallet.ledger_entries AS e
    WHERE
        e.transaction_id >= p_since_id AND NOT EXISTS (SELECT 1 FROM wallet.transactions AS t WHERE t.id = e.transaction_id)
    UNION ALL
    SELECT 'entry', e.account_id, 'account'
    FROM (SELECT DISTINCT l.account_id FROM wallet.ledger_entries AS l WHERE l.transaction_id >= p_since_id) AS e
    WHERE NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = e.account_id)
    UNION ALL
    SELECT 'transaction', t.id, 'asset type or account'
    FROM wallet.transactions AS t
    WHERE
        t.id >= p_since_id
        AND (
            NOT EXISTS (SELECT 1 FROM wallet.asset_types AS y WHERE y.id = t.asset_type_id)
            OR t.leg_account_ids IS NULL AND (
                NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = t.source_account_id)
                OR NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = t.dest_account_id)
            )
            OR EXISTS (
                SELECT 1 FROM unnest(t.leg_account_ids) AS l (account_id)
                WHERE NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = l.account_id)
            )
        )
    UNION ALL
    SELECT 'hold', h.id, 'asset type or account'
    FROM wallet.holds AS h
    WHERE
        h.id >= p_since_id
        AND (
            NOT EXISTS (SELECT 1 FROM wallet.asset_types AS y WHERE y.id = h.asset_type_id)
            OR NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = h.account_id)
            OR NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = h.dest_account_id)
        );
END;
$$;

COMMENT ON FUNCTION wallet.check_orphans(uuid) IS
'Entries, transactions and holds that name a transaction, account or asset type that does not exist. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_orphans(uuid) TO wallet_service, wallet_auditor;
