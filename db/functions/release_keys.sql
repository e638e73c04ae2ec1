-- A refused request keeps no key: gives back the claims under which nothing was posted.
CREATE OR REPLACE FUNCTION wallet.release_keys(
    p_lines wallet.posting_line[],
    p_codes text[],
    p_claimed_ids uuid[],
    p_settled_ids uuid[]
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_refused_keys text[];
    v_posted_ids uuid[];
BEGIN
    SELECT
        array_agg(l.idempotency_key) FILTER (WHERE l.code IS NULL AND l.settled_code <> 'idempotency_key_known'),
        coalesce(array_agg(l.transaction_id) FILTER (WHERE l.settled_code IS NULL), '{}')
    INTO v_refused_keys, v_posted_ids
    FROM unnest(p_lines, p_codes, p_settled_ids) AS l (
        ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
        description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
        may_owe, settled_code, transaction_id
    );
    DELETE FROM wallet.idempotency_keys AS k
    WHERE k.key = ANY(v_refused_keys) AND k.transaction_id = ANY(p_claimed_ids) AND NOT k.transaction_id = ANY(v_posted_ids);
END;
$$;

COMMENT ON FUNCTION wallet.release_keys(wallet.posting_line[], text[], uuid[], uuid[]) IS
'Deletes the keys that this batch claimed and under which it posted nothing.';
