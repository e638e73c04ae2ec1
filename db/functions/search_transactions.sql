-- Transactions by what they are: account, reference, asset, amount, time, type. By cursor a search goes through all of them; by page it
-- tells a total.
CREATE OR REPLACE FUNCTION wallet.search_transactions(
    p_account_id uuid DEFAULT NULL,
    p_type text DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_reference_id text DEFAULT NULL,
    p_asset_type_id uuid DEFAULT NULL,
    p_amount_min numeric DEFAULT NULL,
    p_amount_max numeric DEFAULT NULL,
    p_created_from timestamptz DEFAULT NULL,
    p_created_to timestamptz DEFAULT NULL,
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
    v_first CONSTANT bigint := (v_page - 1) * v_limit + 1;
    v_wanted CONSTANT bigint := CASE WHEN p_cursor IS NULL THEN 10000 ELSE v_limit END;
    v_details CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object(
        'type', CASE
            WHEN p_type = 'HOLD' THEN '["Holds are found by accountId, status, page and limit only."]'::jsonb
            WHEN NOT p_type = ANY(enum_range(NULL::wallet.transaction_type)::text[]) THEN '["Is no transaction type."]'
        END,
        'status', CASE
            WHEN p_type IS NULL AND p_status IN ('PENDING', 'FAILED')
                THEN '["Holds are found by accountId, status, page and limit only."]'::jsonb
            WHEN NOT p_status = ANY(enum_range(NULL::wallet.transaction_status)::text[]) THEN '["Is no transaction status."]'
        END
    ));
    v_filter wallet.transaction_filter;
    v_ids uuid[];
    v_next text;
    v_rows text;
BEGIN
    IF v_details <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
    v_filter := ROW(
        p_account_id, p_type, p_status, p_reference_id, p_asset_type_id, p_amount_min, p_amount_max, p_created_from, p_created_to
    );
    IF p_reference_id IS NOT NULL THEN
        SELECT s.ids, wallet.cursor_text('t', s.next_before) INTO v_ids, v_next
        FROM wallet.search_reference(v_filter, (wallet.cursor_of('t', coalesce(p_cursor, ''))).id, v_wanted) AS s;
    ELSIF p_account_id IS NOT NULL THEN
        SELECT s.ids, s.next_cursor INTO v_ids, v_next FROM wallet.search_entries(v_filter, coalesce(p_cursor, ''), v_wanted) AS s;
    ELSE
        SELECT s.ids, wallet.cursor_text('t', s.next_before) INTO v_ids, v_next
        FROM wallet.search_blocks(v_filter, (wallet.cursor_of('t', coalesce(p_cursor, ''))).id, v_wanted) AS s;
    END IF;
    SELECT string_agg(wallet.transaction_json(t, r.refunded)::text, ',' ORDER BY i.ordinal) INTO v_rows
    FROM unnest(CASE WHEN p_cursor IS NULL THEN v_ids[v_first:v_first + v_limit - 1] ELSE v_ids END) WITH ORDINALITY AS i (id, ordinal)
    JOIN wallet.transactions AS t ON i.id = t.id
    LEFT JOIN wallet.refund_totals AS r ON t.id = r.transaction_id;
    IF p_cursor IS NULL THEN
        RETURN wallet.page_json(v_rows, v_page, v_limit, cardinality(v_ids));
    END IF;
    RETURN wallet.cursor_page_json(v_rows, v_limit, v_next);
END;
$$;

COMMENT ON FUNCTION wallet.search_transactions(
    uuid, text, text, text, uuid, numeric, numeric, timestamptz, timestamptz, bigint, integer, text
) IS
'A page of the transactions that match, newest first, as JSON; filters that are NULL do not filter, created_to itself is not in its range, an unknown account gives an empty list. With a cursor (empty: from the newest) {data, pagination: {limit, nextCursor}}: following it to the end gives every match once; a page that looked at 10,000 transactions may be short or empty. Without, {data, pagination} with the total among the newest 10,000 looked at. Raises WL001 for an unknown type, status or cursor.';

GRANT EXECUTE ON FUNCTION wallet.search_transactions(
    uuid, text, text, text, uuid, numeric, numeric, timestamptz, timestamptz, bigint, integer, text
) TO wallet_service, wallet_jobs, wallet_auditor;
