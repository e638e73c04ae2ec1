-- The rows in which an account is kept: itself for a wallet, all stripes for a system account.
CREATE OR REPLACE FUNCTION wallet.stripes_of(p_account_id uuid)
RETURNS SETOF wallet.accounts
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_account wallet.accounts;
BEGIN
    SELECT * INTO v_account FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.stripe = 0;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Account not found.' USING ERRCODE = 'WL003';
    END IF;
    IF v_account.account_type = 'USER' THEN
        RETURN NEXT v_account;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT * FROM wallet.accounts AS a
    WHERE a.asset_type_id = v_account.asset_type_id AND a.account_type = v_account.account_type AND a.account_type <> 'USER'
    ORDER BY a.stripe;
END;
$$;

COMMENT ON FUNCTION wallet.stripes_of(uuid) IS 'The rows of an account, by stripe. Raises WL003 when there is no such account.';
