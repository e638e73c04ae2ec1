-- A page of an account's ledger. The versions count the entries, so the page is a range of versions: the same cost at any depth.
CREATE OR REPLACE FUNCTION wallet.list_ledger_entries(
    p_account_id uuid,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20,
    p_cursor text DEFAULT NULL
)
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
    v_skip bigint := (v_page - 1) * v_limit;
    v_after record;
    v_rows text;
    v_next text;
BEGIN
    IF p_cursor IS NOT NULL THEN
        v_after := wallet.cursor_of('e', p_cursor);
        v_skip := CASE WHEN v_after.id IS NULL THEN 0 ELSE v_total - wallet.entry_rank(p_account_id, v_after.id, v_after.number) END;
    END IF;
    SELECT
        string_agg(wallet.entry_json(e.entry, e.place, e.balance_after)::text, ',' ORDER BY e.place DESC),
        max(wallet.cursor_text('e', (e.entry).account_id, (e.entry).version)) FILTER (WHERE e.place = v_total - v_skip - v_limit + 1)
    INTO v_rows, v_next
    FROM wallet.find_entries(p_account_id, v_skip, v_limit) AS e;
    IF p_cursor IS NULL THEN
        RETURN wallet.page_json(v_rows, v_page, v_limit, v_total);
    END IF;
    RETURN wallet.cursor_page_json(v_rows, v_limit, CASE WHEN v_skip + v_limit < v_total THEN v_next END);
END;
$$;

COMMENT ON FUNCTION wallet.list_ledger_entries(uuid, bigint, integer, text) IS
'A page of an account''s entries, newest first, as JSON {data, pagination}. Page from 1, limit 1 to 100; others are clamped. With a cursor (empty: from the newest) the page after it, and pagination is {limit, nextCursor}. Raises WL001 for an unknown cursor, WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.list_ledger_entries(uuid, bigint, integer, text) TO wallet_service, wallet_jobs, wallet_auditor;
