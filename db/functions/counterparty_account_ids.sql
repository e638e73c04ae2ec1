-- Who was on the other side.
CREATE OR REPLACE FUNCTION wallet.counterparty_account_ids(p_transaction wallet.transactions, p_account_id uuid)
RETURNS uuid[]
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(wallet.public_account_id(l.account_id) ORDER BY l.leg)
    FROM unnest(
        coalesce(p_transaction.leg_account_ids, ARRAY[p_transaction.source_account_id, p_transaction.dest_account_id])
    ) WITH ORDINALITY AS l (account_id, leg)
    WHERE l.account_id <> p_account_id
$$;

COMMENT ON FUNCTION wallet.counterparty_account_ids(wallet.transactions, uuid) IS
'The public ids of the other accounts of a transaction, in order of leg.';
