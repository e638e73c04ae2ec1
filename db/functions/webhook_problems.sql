-- What is wrong with the fields of a webhook, all of them at once.
CREATE OR REPLACE FUNCTION wallet.webhook_problems(p_values jsonb)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_problems jsonb;
BEGIN
    SELECT jsonb_object_agg(v.key, jsonb_build_array(coalesce(k.sentence, 'Cannot be changed.'))) INTO v_problems
    FROM jsonb_each(p_values) AS v (key, value)
    LEFT JOIN (
        VALUES
        ('url', 'string', 'Must be an http or https URL of at most 2048 characters, without user, password and fragment.'),
        ('description', 'string?', 'Must be null or 1 to 255 characters.'),
        ('eventTypes', 'array?', 'Must be null or a list of 1 to 100 types of events.'),
        ('assetTypeIds', 'array?', 'Must be null or a list of 1 to 1000 ids of asset types.'),
        ('status', 'string', 'Must be ACTIVE or PAUSED.')
    ) AS k (field, kind, sentence) ON k.field = v.key
    WHERE
        k.field IS NULL
        OR NOT (v.value = 'null' AND k.kind LIKE '%?')
        AND CASE
            WHEN jsonb_typeof(v.value) <> rtrim(k.kind, '?') THEN TRUE
            WHEN k.field = 'url'
                THEN v.value #>> '{}' !~ '^https?://[^/?#@[:space:]]+([/?][^#[:space:]]*)?$' OR length(v.value #>> '{}') > 2048
            WHEN k.field = 'description' THEN length(v.value #>> '{}') NOT BETWEEN 1 AND 255
            WHEN k.field = 'status' THEN v.value #>> '{}' NOT IN ('ACTIVE', 'PAUSED')
            WHEN k.field = 'eventTypes'
                THEN jsonb_array_length(v.value) NOT BETWEEN 1 AND 100 OR NOT v.value <@ to_jsonb(wallet.event_types())
            ELSE jsonb_array_length(v.value) NOT BETWEEN 1 AND 1000
        END;
    RETURN coalesce(v_problems, '{}');
END;
$$;

COMMENT ON FUNCTION wallet.webhook_problems(jsonb) IS
'{field: [sentence]} for each of url, description, eventTypes, assetTypeIds and status that is no good value, and for any other field; {} when all is well.';
