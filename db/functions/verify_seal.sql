-- Holds a seal against what the tables hold now, and names what differs.
CREATE OR REPLACE FUNCTION wallet.verify_seal(p_seal bigint)
RETURNS TABLE (
    problem text, object text, transaction_number bigint, transaction_id uuid, leg smallint, account_id uuid, version bigint
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_seal record;
    v_number bigint;
    v_differing bigint[] := '{}';
    v_found bigint[];
BEGIN
    SELECT s.*, coalesce(p.number_to, -1) + 1 AS number_next,
        wallet.seal_sha256(s.seal, s.encoding, s.day, s.number_from, s.number_to, s.row_count, s.sealed_at) AS sha256_now
    INTO v_seal
    FROM wallet.seals AS s
    LEFT JOIN wallet.seals AS p ON s.seal - 1 = p.seal
    WHERE s.seal = p_seal;
    IF v_seal.seal IS NULL THEN
        RETURN QUERY SELECT 'deleted', 'seal', NULL::bigint, NULL::uuid, NULL::smallint, NULL::uuid, NULL::bigint;
        RETURN;
    END IF;
    IF v_seal.encoding <> 1 THEN
        RAISE EXCEPTION 'Seal % has encoding %, which this release does not know.', p_seal, v_seal.encoding
        USING ERRCODE = 'feature_not_supported';
    END IF;
    IF v_seal.sha256 <> v_seal.sha256_now OR v_seal.number_from <> v_seal.number_next THEN
        RETURN QUERY SELECT 'edited', 'seal', NULL::bigint, NULL::uuid, NULL::smallint, NULL::uuid, NULL::bigint;
    END IF;
    v_number := v_seal.number_from;
    WHILE v_number <= v_seal.number_to LOOP
        SELECT array_agg(block) INTO v_found
        FROM wallet.sealed_blocks(v_number, least(v_number | 16383, v_seal.number_to)) AS n
        FULL JOIN (
            SELECT k.* FROM wallet.seal_blocks AS k
            WHERE k.seal = p_seal AND k.block BETWEEN v_number >> 10 AND (v_number | 16383) >> 10
        ) AS b USING (block)
        WHERE
            b.sha256 IS DISTINCT FROM n.sha256 OR b.hints IS DISTINCT FROM n.hints
            OR b.offsets IS DISTINCT FROM n.offsets OR b.legs IS DISTINCT FROM n.legs;
        v_differing := v_differing || v_found;
        v_number := (v_number | 16383) + 1;
    END LOOP;
    IF v_differing <> '{}' THEN
        RETURN QUERY SELECT c.* FROM wallet.compare_sealed_rows(p_seal, v_differing) AS c;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.verify_seal(bigint) IS
'What is no longer as it was sealed. object: transaction, entry (leg), hold, account (the one that began with the entry leg), block or seal; problem: edited, deleted, inserted, swapped (with another row of the seal). No row: all is as it was.';

GRANT EXECUTE ON FUNCTION wallet.verify_seal(bigint) TO wallet_service, wallet_auditor;
