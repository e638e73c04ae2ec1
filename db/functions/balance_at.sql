-- The balance an account had at an instant: of each of its rows, the balance after the last entry by then.
CREATE OR REPLACE FUNCTION wallet.balance_at(p_account_id uuid, p_at timestamptz)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    IF p_at IS NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"at": ["Is required."]}';
    END IF;
    RETURN (
        SELECT coalesce(sum(e.balance_after), 0)
        FROM wallet.stripes_of(p_account_id) AS a
        LEFT JOIN wallet.ledger_entries AS e
            ON e.account_id = a.id AND e.version = wallet.version_at(a.id, 0, a.version, p_at)
    );
END;
$$;

COMMENT ON FUNCTION wallet.balance_at(uuid, timestamptz) IS
'The account''s balance after its last entry made at or before the instant; 0 before the first. Raises WL001 when the instant is NULL, WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.balance_at(uuid, timestamptz) TO wallet_service, wallet_jobs, wallet_auditor;
