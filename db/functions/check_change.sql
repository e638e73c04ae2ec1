-- The fields of a change, all of them at once, so that a caller learns everything that is wrong.
CREATE OR REPLACE FUNCTION wallet.check_change(p_object_type text, p_values jsonb, p_reason text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_details jsonb;
BEGIN
    IF p_values IS NULL OR jsonb_typeof(p_values) <> 'object' OR p_values = '{}' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"body": ["Must name a field to change."]}';
    END IF;
    SELECT jsonb_object_agg(v.key, jsonb_build_array(coalesce(k.sentence, 'Cannot be changed.'))) INTO v_details
    FROM jsonb_each(p_values) AS v (key, value)
    LEFT JOIN (
        VALUES
        ('ACCOUNT', 'status', 'status', 'Must be ACTIVE, FROZEN or CLOSED.'),
        ('ACCOUNT', 'creditsAllowed', 'boolean', 'Must be true or false.'),
        ('ACCOUNT', 'creditLimit', 'number', 'Must be zero or more, with at most 14 digits before the point and 4 after it.'),
        ('ACCOUNT', 'balanceMax', 'number?', 'Must be null, zero or more, with at most 14 digits before the point and 4 after it.'),
        ('ACCOUNT', 'debtMax', 'number', 'Must be zero or more, with at most 14 digits before the point and 4 after it.'),
        ('ACCOUNT', 'name', 'string', 'Must be 1 to 255 characters.'),
        ('ACCOUNT', 'email', 'email?', 'Must be null or 3 to 320 characters.'),
        ('ACCOUNT', 'ownerId', 'string?', 'Must be null or 1 to 255 characters.'),
        ('ASSET_TYPE', 'name', 'string', 'Must be 1 to 255 characters.'),
        ('ASSET_TYPE', 'description', 'text?', 'Must be null or at most 65536 characters.'),
        ('ASSET_TYPE', 'isActive', 'boolean', 'Must be true or false.')
    ) AS k (object_type, field, kind, sentence) ON k.object_type = p_object_type AND k.field = v.key
    WHERE CASE
        WHEN k.kind LIKE '%?' AND v.value = 'null' THEN FALSE
        WHEN k.kind = 'boolean' THEN jsonb_typeof(v.value) <> 'boolean'
        WHEN jsonb_typeof(v.value) = 'number' AND k.kind LIKE 'number%' THEN
            v.value::numeric < 0 OR v.value::numeric >= 100000000000000 OR v.value::numeric <> round(v.value::numeric, 4)
        WHEN jsonb_typeof(v.value) = 'string' THEN CASE k.kind
            WHEN 'status' THEN NOT v.value #>> '{}' = ANY(enum_range(NULL::wallet.account_status)::text[])
            WHEN 'email?' THEN length(v.value #>> '{}') NOT BETWEEN 3 AND 320
            WHEN 'text?' THEN length(v.value #>> '{}') > 65536
            WHEN 'string' THEN length(v.value #>> '{}') NOT BETWEEN 1 AND 255
            WHEN 'string?' THEN length(v.value #>> '{}') NOT BETWEEN 1 AND 255
            ELSE TRUE
        END
        ELSE TRUE
    END;
    IF length(p_reason) NOT BETWEEN 1 AND 1000 OR p_reason IS NULL THEN
        v_details := coalesce(v_details, '{}') || '{"reason": ["Must be 1 to 1000 characters."]}';
    END IF;
    IF v_details IS NOT NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.check_change(text, jsonb, text) IS
'Raises WL001 with {field: [sentence]} in DETAIL when a field to change on an ACCOUNT or ASSET_TYPE is unknown or no good value, or the reason is not 1 to 1,000 characters.';
