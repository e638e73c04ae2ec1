-- A page of an account's ledger. The versions count the entries, so the page is a range of versions: the same cost at any depth.
CREATE OR REPLACE FUNCTION wallet.list_ledger_entries(p_account_id uuid, p_page bigint DEFAULT 1, p_limit integer DEFAULT 20)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_limit CONSTANT bigint := least(greatest(p_limit, 1), 100);
    v_page CONSTANT bigint := least(greatest(p_page, 1), 2147483647);
    v_total CONSTANT bigint := (SELECT sum(a.version) FROM wallet.stripes_of(p_account_id) AS a);
    v_rows text;
BEGIN
    SELECT string_agg(wallet.entry_json(e.entry, e.place, e.balance_after)::text, ',' ORDER BY e.place DESC) INTO v_rows
    FROM wallet.find_entries(p_account_id, (v_page - 1) * v_limit, v_limit) AS e;
    RETURN wallet.page_json(v_rows, v_page, v_limit, v_total);
END;
$$;

COMMENT ON FUNCTION wallet.list_ledger_entries(uuid, bigint, integer) IS
'A page of an account''s entries, newest first, as JSON {data, pagination}. Page from 1, limit 1 to 100; others are clamped. Raises WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.list_ledger_entries(uuid, bigint, integer) TO wallet_service, wallet_jobs, wallet_auditor;
