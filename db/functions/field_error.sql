-- What is wrong with a field that wallet.post refuses.
CREATE OR REPLACE FUNCTION wallet.field_error(p_field text)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE p_field
        WHEN 'type' THEN 'Must be TOP_UP, BONUS or SPEND.'
        WHEN 'amount'
            THEN 'Must be more than zero, with at most 14 digits before the point and at most the asset''s number of decimals after it.'
        WHEN 'metadata' THEN 'Must be a JSON object.'
        ELSE 'Is required.'
    END
$$;

COMMENT ON FUNCTION wallet.field_error(text) IS 'The sentence for details of a validation_failed answer of wallet.post.';
