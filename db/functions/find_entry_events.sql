-- The transactions of one account as events, by its entries: what others posted is not read.
CREATE OR REPLACE FUNCTION wallet.find_entry_events(
    p_account_id uuid,
    p_after bigint,
    p_to bigint,
    p_scan integer,
    p_asset_type_ids uuid[]
)
RETURNS SETOF wallet.event
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        wallet.transaction_number(t.id), 'transaction.posted', t.id, t.id, 'entries ' || a.stripe,
        p_asset_type_ids IS NULL OR t.asset_type_id = ANY(p_asset_type_ids)
    FROM wallet.stripes_of(p_account_id) AS a
    CROSS JOIN LATERAL (
        SELECT e.transaction_id
        FROM wallet.ledger_entries AS e
        WHERE e.account_id = a.id AND e.version > wallet.version_of_number(a.id, a.version, p_after)
        ORDER BY e.version
        LIMIT p_scan
    ) AS e
    JOIN wallet.transactions AS t ON e.transaction_id = t.id
    WHERE wallet.transaction_number(t.id) <= p_to;
END;
$$;

COMMENT ON FUNCTION wallet.find_entry_events(uuid, bigint, bigint, integer, uuid[]) IS
'The first p_scan transactions of an account (of each of its stripes) whose numbers are after p_after and up to p_to. An unknown account has none.';
