-- A refused request keeps no key: gives back the claims under which nothing was posted. When a later line of the batch has posted under
-- such a key, the key is made anew with that line's own id: with the id it was claimed under, the postings of an account would not be
-- in the order of their numbers.
CREATE OR REPLACE FUNCTION wallet.release_keys(p_lines wallet.posting_line[], p_codes text[], p_transaction_ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_refused_keys text[];
    v_posted_ids uuid[];
    v_posted_keys text[];
    v_freed_keys text[];
BEGIN
    SELECT
        array_agg(l.idempotency_key) FILTER (WHERE l.code IS NULL AND l.settled_code <> 'idempotency_key_known'),
        coalesce(array_agg(l.transaction_id) FILTER (WHERE l.settled_code IS NULL), '{}'),
        array_agg(l.idempotency_key) FILTER (WHERE l.settled_code IS NULL)
    INTO v_refused_keys, v_posted_ids, v_posted_keys
    FROM unnest(p_lines, p_codes, p_transaction_ids) AS l (
        ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
        description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
        may_owe, settled_code, transaction_id
    );
    WITH freed AS (
        DELETE FROM wallet.idempotency_keys AS k
        WHERE k.key = ANY(v_refused_keys) AND k.transaction_id = ANY(p_transaction_ids) AND NOT k.transaction_id = ANY(v_posted_ids)
        RETURNING k.key
    )
    SELECT array_agg(f.key) INTO v_freed_keys FROM freed AS f;
    INSERT INTO wallet.idempotency_keys (key, transaction_id)
    SELECT p.key, p.id
    FROM unnest(v_posted_keys, v_posted_ids) AS p (key, id)
    WHERE p.key = ANY(v_freed_keys);
END;
$$;

COMMENT ON FUNCTION wallet.release_keys(wallet.posting_line[], text[], uuid[]) IS
'Deletes the keys that this batch claimed and under which it posted nothing, and notes for a key that passed on to a later line what that line posted.';
