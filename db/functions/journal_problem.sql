-- What is wrong with the entries of a journal, whoever the accounts are.
CREATE OR REPLACE FUNCTION wallet.journal_problem(p_entries jsonb)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts record;
BEGIN
    IF jsonb_typeof(p_entries) IS DISTINCT FROM 'array' OR jsonb_array_length(p_entries) NOT BETWEEN 2 AND 100 THEN
        RETURN 'Must be a list of 2 to 100 entries.';
    END IF;
    -- In this order: an amount is only read as a number once it is known to be written as one.
    IF EXISTS (
        SELECT 1 FROM jsonb_array_elements(p_entries) AS e (entry)
        WHERE (
            e.entry ->> 'accountId' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            AND e.entry ->> 'entryType' IN ('DEBIT', 'CREDIT')
            AND e.entry ->> 'amount' ~ '^[0-9]{1,14}([.][0-9]{1,4}0*)?$'
            AND length(e.entry ->> 'amount') <= 100
        ) IS NOT TRUE
    ) THEN
        RETURN 'Each must have an accountId (UUID), an entryType (DEBIT or CREDIT) and an amount with at most 14 digits before the point and 4 after it.';
    END IF;
    SELECT
        count(*) AS entry_count, count(DISTINCT e.account_id) AS account_count, min(e.amount) AS amount_min,
        sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT') AS debits,
        sum(e.amount) FILTER (WHERE e.entry_type = 'CREDIT') AS credits
    INTO v_facts
    FROM wallet.journal_entries(p_entries) AS e;
    RETURN CASE
        WHEN v_facts.amount_min <= 0 THEN 'Every amount must be more than zero.'
        WHEN v_facts.account_count < v_facts.entry_count THEN 'Each account may occur once.'
        WHEN v_facts.debits IS DISTINCT FROM v_facts.credits THEN 'Debits and credits must have the same sum.'
    END;
END;
$$;

COMMENT ON FUNCTION wallet.journal_problem(jsonb) IS
'The first rule of form that the entries of a journal break, as a sentence; NULL when they keep all.';
