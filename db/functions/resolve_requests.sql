-- First step of wallet.post: looks up what never changes (which account is what), so no lock is needed yet, and refuses what can be
-- refused without knowing a balance. Precedence of refusals is the order of the CASE.
--
-- The indexes say where in the list of distinct account ids, in ascending order, each line's two accounts are: wallet.lock_accounts
-- gives its arrays in that order, so that the settling loop only does array look-ups.
CREATE OR REPLACE FUNCTION wallet.resolve_requests(
    p_requests wallet.posting_request[],
    OUT lines wallet.posting_line[],
    OUT codes text[],
    OUT amounts numeric[],
    OUT account_ids uuid[],
    OUT source_indexes integer[],
    OUT dest_indexes integer[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    SELECT
        array_agg(s.line) FILTER (WHERE s.is_source),
        array_agg((s.line).code) FILTER (WHERE s.is_source),
        array_agg((s.line).amount) FILTER (WHERE s.is_source),
        array_agg(s.account_id) FILTER (WHERE s.account_id IS NOT NULL),
        array_agg(s.index) FILTER (WHERE s.is_source),
        array_agg(s.index) FILTER (WHERE NOT s.is_source)
    INTO lines, codes, amounts, account_ids, source_indexes, dest_indexes
    FROM (
        SELECT l.line, side.is_source, side.account_id, dense_rank() OVER (ORDER BY side.account_id) AS index
        FROM (
            SELECT ROW(
                r.ordinal, r.type, r.idempotency_key, r.account_id,
                CASE r.type WHEN 'SPEND' THEN w.id ELSE s.id END, CASE r.type WHEN 'SPEND' THEN s.id ELSE w.id END,
                r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata, s.stripe,
                wallet.request_refusal(
                    r.type, r.idempotency_key, r.account_id, r.asset_type_id, r.amount,
                    greatest(length(r.reference_id), length(r.description)), r.metadata,
                    w.account_type, w.asset_type_id, a.decimals, a.is_active
                )
            )::wallet.posting_line AS line
            FROM unnest(p_requests) WITH ORDINALITY AS r (
                type, idempotency_key, account_id, asset_type_id, amount, reference_id, description, metadata, ordinal
            )
            LEFT JOIN wallet.asset_types AS a ON r.asset_type_id = a.id
            LEFT JOIN wallet.accounts AS w ON r.account_id = w.id
            -- The one place where a system account is chosen, and the stripe of it: always the same one for a wallet.
            LEFT JOIN wallet.accounts AS s
                ON
                    r.asset_type_id = s.asset_type_id
                    AND s.account_type = CASE r.type WHEN 'SPEND' THEN 'REVENUE' ELSE 'TREASURY' END::wallet.account_type
                    AND s.account_type <> 'USER'
                    AND s.stripe = (uuid_hash(r.account_id) & 2147483647) % a.stripe_count
            OFFSET 0
        ) AS l
        CROSS JOIN LATERAL (
            VALUES (TRUE, CASE WHEN (l.line).code IS NULL THEN (l.line).source_account_id END),
                   (FALSE, CASE WHEN (l.line).code IS NULL THEN (l.line).dest_account_id END)
        ) AS side (is_source, account_id)
        ORDER BY (l.line).ordinal
    ) AS s;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_requests(wallet.posting_request[]) IS
'Turns requests into posting lines, one per request, in order: source and destination account, or the code of a refusal that needs no balance. Gives the accounts to lock (with repeats) and, per line, code, amount and the places of its two accounts.';
