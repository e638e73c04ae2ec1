-- The entries of a transaction. Its row names the account and version of each, so they are found by their key. The place and the balance
-- are those of the account as it is shown outside: over all stripes of a system account.
CREATE OR REPLACE FUNCTION wallet.list_transaction_entries(p_transaction_id uuid, p_asset_type_ids uuid[] DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_transaction wallet.transactions;
    v_rows text;
BEGIN
    SELECT * INTO v_transaction FROM wallet.transactions AS t WHERE t.id = p_transaction_id;
    IF v_transaction.id IS NULL AND NOT EXISTS (SELECT 1 FROM wallet.holds AS h WHERE h.id = p_transaction_id) THEN
        RAISE EXCEPTION 'Transaction not found.' USING ERRCODE = 'WL005';
    END IF;
    SELECT string_agg(
        left(wallet.entry_json(f.entry, f.place, f.balance_after)::text, -1) || ',"assetTypeId":"' || a.asset_type_id || '"}',
        ',' ORDER BY (f.entry).leg
    ) INTO v_rows
    FROM unnest(
        coalesce(v_transaction.leg_account_ids, ARRAY[v_transaction.source_account_id, v_transaction.dest_account_id]),
        coalesce(v_transaction.leg_versions, ARRAY[v_transaction.source_version, v_transaction.dest_version])
    ) AS l (account_id, version)
    JOIN wallet.accounts AS a ON l.account_id = a.id AND (p_asset_type_ids IS NULL OR a.asset_type_id = ANY(p_asset_type_ids))
    CROSS JOIN LATERAL (SELECT wallet.public_account_id(a.id) AS id) AS o
    CROSS JOIN LATERAL (SELECT sum(s.version) - wallet.entry_rank(o.id, a.id, l.version) - 1 AS newer FROM wallet.stripes_of(o.id) AS s) AS n
    CROSS JOIN LATERAL wallet.find_entries(o.id, n.newer::bigint, 1) AS f;
    RETURN '[' || coalesce(v_rows, '') || ']';
END;
$$;

COMMENT ON FUNCTION wallet.list_transaction_entries(uuid, uuid[]) IS
'The entries of a transaction as a JSON array, in order of leg: each as in its account''s ledger, and assetTypeId; only of the given assets unless they are NULL. A hold has none. Raises WL005 when there is no such transaction.';

GRANT EXECUTE ON FUNCTION wallet.list_transaction_entries(uuid, uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
