-- The fields in which two requests of one kind differ. What a conversion worked out stands beside what was asked, and is not compared.
CREATE OR REPLACE FUNCTION wallet.request_differences(p_first jsonb, p_later jsonb)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        jsonb_object_agg(f.key, '["Differs from the first request with this idempotency key."]'::jsonb), '{}'
    )
    FROM jsonb_each(p_later) AS f (key, value)
    WHERE p_first -> f.key IS DISTINCT FROM f.value AND f.key NOT IN ('credited', 'remainder')
$$;

COMMENT ON FUNCTION wallet.request_differences(jsonb, jsonb) IS '{field: [sentence]} for each field asked for in p_later that p_first does not have the same.';
