-- The rule for amounts, where no query has inlined it already.
CREATE OR REPLACE FUNCTION wallet.amount_refusal(p_amount numeric, p_decimals smallint)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_amount IS NULL OR p_amount <= 0 OR p_amount >= 100000000000000 OR p_amount <> round(p_amount, p_decimals)
        THEN 'validation_failed'
END;

COMMENT ON FUNCTION wallet.amount_refusal(numeric, smallint) IS
'validation_failed for an amount that is missing, not positive, not finite, of more than 14 digits before the point or of more decimals than given; else NULL.';
