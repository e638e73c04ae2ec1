-- Row by row, the blocks of a seal that differ. A row that is as it was sealed has its place and its hint; of the others, two rows
-- changed places when each one's content under the other's identity gives the other's hint.
CREATE OR REPLACE FUNCTION wallet.compare_sealed_rows(p_seal bigint, p_blocks bigint[])
RETURNS TABLE (
    problem text, object text, transaction_number bigint, transaction_id uuid, leg smallint, account_id uuid, version bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealed AS (
        SELECT b.block, (b.block << 10) + r.offset_in_block AS number, r.leg, r.hint
        FROM wallet.seal_blocks AS b
        CROSS JOIN LATERAL unnest(b.offsets, b.legs, b.hints) AS r (offset_in_block, leg, hint)
        WHERE b.seal = p_seal AND b.block = ANY(p_blocks)
    ), present AS (
        SELECT
            r.transaction_id, r.leg, r.account_id, r.version, r.identity, r.content,
            wallet.transaction_number(r.transaction_id) AS number, wallet.seal_hint(sha256(r.identity || r.content)) AS hint
        FROM wallet.seals AS s
        CROSS JOIN LATERAL unnest(p_blocks) AS k (block)
        CROSS JOIN LATERAL wallet.sealed_rows(
            greatest(k.block << 10, s.number_from), least((k.block << 10) + 1023, s.number_to)
        ) AS r
        WHERE s.seal = p_seal
    ), differing AS (
        SELECT
            number, leg, s.hint, p.transaction_id, p.account_id, p.version, p.identity, p.content,
            s.hint IS NOT NULL AS was_there, p.identity IS NOT NULL AS is_there
        FROM (
            SELECT * FROM sealed AS a
            WHERE NOT EXISTS (SELECT FROM present AS b WHERE a.number = b.number AND a.leg = b.leg AND a.hint = b.hint)
        ) AS s
        FULL JOIN (
            SELECT * FROM present AS a
            WHERE NOT EXISTS (SELECT FROM sealed AS b WHERE a.number = b.number AND a.leg = b.leg AND a.hint = b.hint)
        ) AS p USING (number, leg)
    ), swapped AS (
        SELECT a.number, a.leg
        FROM differing AS a
        JOIN differing AS b ON sign(a.leg) = sign(b.leg) AND (a.number, a.leg) <> (b.number, b.leg)
        WHERE
            a.was_there AND a.is_there AND b.was_there AND b.is_there
            AND wallet.seal_hint(sha256(b.identity || a.content)) = b.hint
            AND wallet.seal_hint(sha256(a.identity || b.content)) = a.hint
            -- Each pair is tried: beyond this the rows are edited, whatever else was done to them.
            AND (SELECT count(*) FROM differing) <= 2000
    )
    SELECT
        CASE
            WHEN NOT d.is_there THEN 'deleted'
            WHEN NOT d.was_there THEN 'inserted'
            WHEN EXISTS (SELECT FROM swapped AS w WHERE w.number = d.number AND w.leg = d.leg) THEN 'swapped'
            ELSE 'edited'
        END,
        CASE WHEN d.leg = 32767 THEN 'hold' WHEN d.leg = 0 THEN 'transaction' WHEN d.leg > 0 THEN 'entry' ELSE 'account' END,
        d.number, d.transaction_id, CASE WHEN d.leg < 32767 THEN abs(d.leg) END, d.account_id, d.version
    FROM differing AS d
    -- An account is reached by its first entry: when that one differs, it says nothing that the account is not found, or found now.
    WHERE
        d.leg >= 0 OR (d.was_there AND d.is_there)
        OR NOT EXISTS (SELECT FROM differing AS e WHERE e.number = d.number AND e.leg = -d.leg)
    UNION ALL
    SELECT 'edited', 'block', k.block << 10, NULL, NULL, NULL, NULL
    FROM unnest(p_blocks) AS k (block)
    WHERE NOT EXISTS (SELECT FROM differing AS d WHERE d.number >> 10 = k.block)
    ORDER BY 3, 5
$$;

COMMENT ON FUNCTION wallet.compare_sealed_rows(bigint, bigint[]) IS
'The rows of these blocks that are not as they were sealed: see wallet.verify_seal.';
