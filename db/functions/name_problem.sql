-- What is wrong with the name of a spending limit or campaign.
CREATE OR REPLACE FUNCTION wallet.name_problem(p_name text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN (p_name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$') IS NOT TRUE
        THEN 'Must be 1 to 64 letters, digits, points, underscores and hyphens, the first a letter or digit.'
END;

COMMENT ON FUNCTION wallet.name_problem(text) IS 'A sentence, or NULL when the name is good.';
