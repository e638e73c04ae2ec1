-- A page of holds, newest first, each as it is now.
CREATE OR REPLACE FUNCTION wallet.list_holds(
    p_account_id uuid DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20,
    p_cursor text DEFAULT NULL
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_limit CONSTANT bigint := least(greatest(p_limit, 1), 100);
    v_page CONSTANT bigint := least(greatest(p_page, 1), 2147483647);
    v_at CONSTANT timestamptz := clock_timestamp();
    v_ids uuid[];
    v_next uuid;
    v_rows text;
    v_total bigint;
BEGIN
    IF NOT p_status = ANY(enum_range(NULL::wallet.transaction_status)::text[] || enum_range(NULL::wallet.hold_state)::text[]) THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"status": ["Is no status of a hold."]}';
    END IF;
    IF p_cursor IS NULL THEN
        SELECT * INTO v_ids, v_total FROM wallet.find_holds(p_account_id, p_status, v_at, (v_page - 1) * v_limit, v_limit);
    ELSE
        SELECT * INTO v_ids, v_next
        FROM wallet.find_holds_before(p_account_id, p_status, v_at, (wallet.cursor_of('h', p_cursor)).id, v_limit);
    END IF;
    SELECT string_agg(wallet.hold_json(h, v_at)::text, ',' ORDER BY h.id DESC) INTO v_rows
    FROM wallet.holds AS h
    WHERE h.id = ANY(v_ids);
    IF p_cursor IS NULL THEN
        RETURN wallet.page_json(v_rows, v_page, v_limit, v_total);
    END IF;
    RETURN wallet.cursor_page_json(v_rows, v_limit, wallet.cursor_text('h', v_next));
END;
$$;

COMMENT ON FUNCTION wallet.list_holds(uuid, text, bigint, integer, text) IS
'A page of the holds of an account (NULL: of all), newest first, as JSON; p_status filters: PENDING, COMPLETED, FAILED, or ACTIVE, CAPTURED, VOIDED, EXPIRED. Without a cursor {data, pagination}, of the newest 10,000; for PENDING or ACTIVE, of those neither captured nor voided. With one (empty: from the newest) {data, pagination: {limit, nextCursor}}, to the end; a page that looked at 10,000 may be short or empty. Raises WL001 for an unknown status or cursor.';

GRANT EXECUTE ON FUNCTION wallet.list_holds(uuid, text, bigint, integer, text) TO wallet_service, wallet_jobs, wallet_auditor;
