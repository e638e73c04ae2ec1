-- What is wrong with the maximum of a spending limit or budget.
CREATE OR REPLACE FUNCTION wallet.maximum_problem(p_amount numeric, p_decimals smallint)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    -- NaN and Infinity sort above the upper bound.
    WHEN p_amount < 0 OR p_amount >= 100000000000000 OR p_amount <> round(p_amount, coalesce(p_decimals, 4::smallint))
        THEN 'Must be null, zero or more, with at most 14 digits before the point and the asset''s decimals after it.'
END;

COMMENT ON FUNCTION wallet.maximum_problem(numeric, smallint) IS 'A sentence, or NULL when the amount is good, or NULL.';
