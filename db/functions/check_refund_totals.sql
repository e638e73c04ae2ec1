-- What was refunded is added up as it happens, because no index leads from a transaction to its refunds.
CREATE OR REPLACE FUNCTION wallet.check_refund_totals()
RETURNS TABLE (transaction_id uuid, amount numeric, refunded numeric, refund_sum numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT transaction_id, coalesce(k.amount, t.amount), k.refunded, coalesce(r.refund_sum, 0)
    FROM (
        SELECT x.related_id AS transaction_id, sum(x.amount) AS refund_sum
        FROM wallet.transactions AS x
        WHERE x.type::text = 'REFUND'
        GROUP BY x.related_id
    ) AS r
    FULL JOIN wallet.refund_totals AS k USING (transaction_id)
    LEFT JOIN wallet.transactions AS t ON transaction_id = t.id
    WHERE
        k.refunded IS DISTINCT FROM r.refund_sum OR k.amount IS DISTINCT FROM t.amount OR coalesce(r.refund_sum, 0) > t.amount
$$;

COMMENT ON FUNCTION wallet.check_refund_totals() IS
'Transactions of which another amount was refunded than is kept, or more than there was.';

GRANT EXECUTE ON FUNCTION wallet.check_refund_totals() TO wallet_service, wallet_auditor;
