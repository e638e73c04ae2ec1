-- The history of an account: who changed it, when and why.
CREATE OR REPLACE FUNCTION wallet.list_account_changes(
    p_account_id uuid,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0) THEN
        RAISE EXCEPTION 'Account not found.' USING ERRCODE = 'WL003';
    END IF;
    RETURN wallet.list_changes(p_account_id, p_page, p_limit);
END;
$$;

COMMENT ON FUNCTION wallet.list_account_changes(uuid, bigint, integer) IS
'A page of the changes of an account, newest first, as JSON {data, pagination}: number, changedAt, changedBy, reason, before, after. Raises WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.list_account_changes(uuid, bigint, integer) TO wallet_service, wallet_jobs, wallet_auditor;
