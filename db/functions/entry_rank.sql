-- How many entries an account had before one of its entries. In an account of several stripes that is counted stripe by stripe, in the
-- order of wallet.find_entries, so it stays right when a stripe was slower than the others.
CREATE OR REPLACE FUNCTION wallet.entry_rank(p_account_id uuid, p_row_id uuid, p_version bigint)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_rank bigint;
BEGIN
    SELECT sum(CASE
        WHEN a.id = e.account_id THEN e.version - 1
        WHEN a.id < e.account_id THEN wallet.version_at(a.id, 0, a.version, e.created_at)
        ELSE wallet.version_at(a.id, 0, a.version, e.created_at - interval '1 microsecond')
    END) INTO v_rank
    FROM wallet.ledger_entries AS e
    CROSS JOIN wallet.stripes_of(p_account_id) AS a
    WHERE e.account_id = p_row_id AND e.version = p_version AND wallet.public_account_id(p_row_id) = p_account_id;
    IF v_rank IS NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"cursor": ["Is no cursor of this list."]}';
    END IF;
    RETURN v_rank;
END;
$$;

COMMENT ON FUNCTION wallet.entry_rank(uuid, uuid, bigint) IS
'The number of entries of an account that come before the entry of this row of it with this version. Raises WL001 when there is no such entry, WL003 when there is no such account.';
