-- The limits of an account are amounts of its asset, and have no more decimals than it.
CREATE OR REPLACE FUNCTION wallet.check_limit_decimals(p_values jsonb, p_decimals integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_details jsonb;
BEGIN
    SELECT jsonb_object_agg(v.key, jsonb_build_array(format('Must have at most %s digits after the point, as its asset has.', p_decimals)))
    INTO v_details
    FROM jsonb_each(p_values) AS v (key, value)
    WHERE
        v.key IN ('creditLimit', 'balanceMax', 'debtMax')
        AND CASE WHEN jsonb_typeof(v.value) = 'number' THEN v.value::numeric <> round(v.value::numeric, p_decimals) END;
    IF v_details IS NOT NULL THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = v_details::text;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.check_limit_decimals(jsonb, integer) IS
'Raises WL001, with the fields in DETAIL, when a creditLimit, balanceMax or debtMax has more digits after the point than the asset.';
