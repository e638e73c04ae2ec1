-- Books what is already true: holds whose time is up hold nothing. The caller has the accounts' locks.
CREATE OR REPLACE FUNCTION wallet.expire_holds(p_account_ids uuid[], p_posted_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM wallet.mark_numbers();
    WITH expired AS (
        UPDATE wallet.holds AS h
        SET state = 'EXPIRED', closed_at = h.expires_at, expiry_number = nextval('wallet.transaction_numbers')
        WHERE h.account_id = ANY(p_account_ids) AND h.closed_at IS NULL AND h.expires_at <= p_posted_at
        RETURNING h.account_id, h.amount
    )
    UPDATE wallet.accounts AS a
    SET held = a.held - e.amount
    FROM (SELECT x.account_id, sum(x.amount) AS amount FROM expired AS x GROUP BY x.account_id) AS e
    WHERE a.id = e.account_id;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION wallet.expire_holds(uuid[], timestamptz) IS
'Closes the holds on these locked accounts that have run out by the given instant, and frees their amounts. True when there were any.';
