-- Accounts by what they are: external id, owner, asset, status, type.
CREATE OR REPLACE FUNCTION wallet.list_accounts(
    p_external_id text DEFAULT NULL,
    p_owner_id text DEFAULT NULL,
    p_asset_type_ids uuid[] DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_account_type text DEFAULT NULL,
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
    v_after CONSTANT record := wallet.cursor_of('a', coalesce(p_cursor, ''));
    v_details CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object(
        'status', CASE
            WHEN NOT p_status = ANY(enum_range(NULL::wallet.account_status)::text[]) THEN '["Is no status of an account."]'::jsonb
        END,
        'accountType', CASE
            WHEN NOT p_account_type = ANY(enum_range(NULL::wallet.account_type)::text[]) THEN '["Is no account type."]'::jsonb
        END,
        'cursor', CASE
            WHEN NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = v_after.id) AND v_after.id IS NOT NULL
                THEN '["Is no cursor of this list."]'::jsonb
        END
    ));
    v_ids uuid[];
    v_shown uuid[];
    v_rows text;
BEGIN
    IF v_details <> '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
    v_ids := wallet.find_accounts(
        p_external_id, p_owner_id, p_status::wallet.account_status, p_account_type::wallet.account_type, p_asset_type_ids, v_after.id,
        CASE WHEN p_cursor IS NULL THEN 10000 ELSE v_limit + 1 END
    );
    v_shown := CASE WHEN p_cursor IS NULL THEN v_ids[v_first:v_first + v_limit - 1] ELSE v_ids[1:v_limit] END;
    SELECT string_agg(r.answer::text, ',' ORDER BY array_position(v_shown, r.id)) INTO v_rows
    FROM wallet.read_accounts(v_shown) AS r;
    IF p_cursor IS NULL THEN
        RETURN wallet.page_json(v_rows, v_page, v_limit, cardinality(v_ids));
    END IF;
    RETURN wallet.cursor_page_json(
        v_rows, v_limit, CASE WHEN cardinality(v_ids) > v_limit THEN wallet.cursor_text('a', v_ids[v_limit]) END
    );
END;
$$;

COMMENT ON FUNCTION wallet.list_accounts(text, text, uuid[], text, text, bigint, integer, text) IS
'A page of the accounts that match, newest first, as JSON; filters that are NULL do not filter. Without a cursor {data, pagination} over the newest 10,000 that match; with one (empty: from the newest) {data, pagination: {limit, nextCursor}}, to the end. Raises WL001 for an unknown status, account type or cursor.';

GRANT EXECUTE ON FUNCTION wallet.list_accounts(text, text, uuid[], text, text, bigint, integer, text)
TO wallet_service, wallet_jobs, wallet_auditor;
