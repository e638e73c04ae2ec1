-- A page of transactions, newest first. Pages of one account come from its entries, others from the numbers of the transactions;
-- both know their totals without counting rows.
CREATE OR REPLACE FUNCTION wallet.list_transactions(
    p_account_id uuid DEFAULT NULL,
    p_type text DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20
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
    v_skip CONSTANT bigint := (v_page - 1) * v_limit;
    v_details CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object(
        'type', CASE WHEN NOT p_type = ANY(enum_range(NULL::wallet.transaction_type)::text[] || 'HOLD'::text) THEN '["Is no transaction type."]'::jsonb END,
        'status', CASE
            WHEN NOT p_status = ANY(enum_range(NULL::wallet.transaction_status)::text[]) THEN '["Is no transaction status."]'::jsonb
        END
    ));
    v_ids uuid[];
    v_rows text;
    v_total bigint;
BEGIN
    IF v_details <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
    -- Only holds are ever anything but COMPLETED.
    IF p_type = 'HOLD' OR p_type IS NULL AND p_status IN ('PENDING', 'FAILED') THEN
        RETURN wallet.list_holds(p_account_id, p_status, p_page, p_limit);
    END IF;
    IF p_account_id IS NULL THEN
        SELECT * INTO v_ids, v_total FROM wallet.find_transactions(
            p_type::wallet.transaction_type, p_status::wallet.transaction_status, v_skip, v_limit
        );
    ELSE
        SELECT * INTO v_ids, v_total FROM wallet.find_account_transactions(
            p_account_id, p_type::wallet.transaction_type, p_status::wallet.transaction_status, v_skip, v_limit
        );
    END IF;
    SELECT string_agg(wallet.transaction_json(t, r.refunded)::text, ',' ORDER BY i.ordinal) INTO v_rows
    FROM unnest(v_ids) WITH ORDINALITY AS i (id, ordinal)
    JOIN wallet.transactions AS t ON i.id = t.id
    LEFT JOIN wallet.refund_totals AS r ON t.id = r.transaction_id;
    RETURN wallet.page_json(v_rows, v_page, v_limit, v_total);
END;
$$;

COMMENT ON FUNCTION wallet.list_transactions(uuid, text, text, bigint, integer) IS
'A page of transactions, newest first, as JSON {data, pagination}; filters that are NULL do not filter, an unknown account gives an empty list. With an account and a type or status, the account''s newest 10,000 entries are looked at. Type HOLD, and status PENDING or FAILED without a type, give holds, as wallet.list_holds does. Raises WL001 for an unknown type or status.';

GRANT EXECUTE ON FUNCTION wallet.list_transactions(uuid, text, text, bigint, integer) TO wallet_service, wallet_jobs, wallet_auditor;
