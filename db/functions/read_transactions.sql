-- Several transactions in one look-up: the service answers the reads that wait together with one query.
CREATE OR REPLACE FUNCTION wallet.read_transactions(p_ids uuid[])
RETURNS TABLE (id uuid, answer json)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, wallet.transaction_json(t, r.refunded)
    FROM wallet.transactions AS t
    LEFT JOIN wallet.refund_totals AS r ON t.id = r.transaction_id
    WHERE t.id = ANY(p_ids)
    UNION ALL
    SELECT h.id, h.answer FROM wallet.read_holds(p_ids) AS h;
END;
$$;

COMMENT ON FUNCTION wallet.read_transactions(uuid[]) IS
'The transactions and holds with these ids as JSON, in no order; an id that is none gives no row.';

GRANT EXECUTE ON FUNCTION wallet.read_transactions(uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
