-- The entries of a journal as it was asked for: [{accountId, entryType, amount}]. Call it for what wallet.journal_problem passes.
CREATE OR REPLACE FUNCTION wallet.journal_entries(p_entries jsonb)
RETURNS TABLE (leg bigint, account_id uuid, entry_type text, amount numeric)
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.leg, (e.entry ->> 'accountId')::uuid, e.entry ->> 'entryType', (e.entry ->> 'amount')::numeric
    FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS e (entry, leg)
$$;

COMMENT ON FUNCTION wallet.journal_entries(jsonb) IS 'The entries of a journal as rows, in order of leg from 1.';
