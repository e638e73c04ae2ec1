-- Third step of wallet.post: claims the idempotency keys before any balance is settled, and draws a number and an id per line.
--
-- Sorted by key, so that two batches with the same keys wait for each other in one order. A key that a transaction in flight holds
-- is waited for. owners is NULL when every line claimed its own key; else it names, per line, the line of the batch that holds
-- the key, or 0 when the key was known before.
CREATE OR REPLACE FUNCTION wallet.claim_keys(
    p_lines wallet.posting_line[],
    OUT numbers bigint[],
    OUT transaction_ids uuid[],
    OUT owners integer[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_seed CONSTANT uuid := gen_random_uuid();
    v_claimed uuid[];
    v_wanted_count integer;
BEGIN
    PERFORM wallet.mark_numbers();
    WITH numbered AS MATERIALIZED (
        SELECT l.idempotency_key, n.number, wallet.transaction_id(n.number, v_seed) AS transaction_id
        FROM unnest(p_lines) AS l
        CROSS JOIN LATERAL (
            SELECT CASE WHEN l.code IS NULL THEN nextval('wallet.transaction_numbers') END AS number OFFSET 0
        ) AS n
    ), claimed AS (
        INSERT INTO wallet.idempotency_keys (key, transaction_id)
        SELECT n.idempotency_key, n.transaction_id
        FROM numbered AS n
        WHERE n.number IS NOT NULL
        ORDER BY n.idempotency_key COLLATE "C", n.number
        ON CONFLICT (key) DO NOTHING
        RETURNING transaction_id
    )
    SELECT array_agg(n.number), array_agg(n.transaction_id), count(n.number), (SELECT array_agg(c.transaction_id) FROM claimed AS c)
    INTO numbers, transaction_ids, v_wanted_count, v_claimed
    FROM numbered AS n;

    IF coalesce(cardinality(v_claimed), 0) < v_wanted_count THEN
        SELECT array_agg(coalesce(k.owner, 0) ORDER BY k.ordinal) INTO owners
        FROM (
            SELECT
                l.ordinal,
                min(l.ordinal) FILTER (WHERE l.transaction_id = ANY(v_claimed)) OVER (PARTITION BY l.idempotency_key) AS owner
            FROM unnest(p_lines, transaction_ids) AS l (
                ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
                description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw,
                expires_at, may_owe, transaction_id
            )
        ) AS k;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.claim_keys(wallet.posting_line[]) IS
'Inserts the idempotency keys of the lines that are not refused. Gives a posting number and a transaction id per such line, and who owns each key when not every line got its own.';
