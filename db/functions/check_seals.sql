-- The chain of the seals as they are stored. wallet.verify_seal holds a seal against the ledger, too.
CREATE OR REPLACE FUNCTION wallet.check_seals()
RETURNS TABLE (seal bigint, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.seal, 'the seal, its blocks or the seal before were changed'
    FROM wallet.seals AS s
    WHERE s.sha256 <> wallet.seal_sha256(s.seal, s.encoding, s.day, s.number_from, s.number_to, s.row_count, s.sealed_at)
    UNION ALL
    SELECT s.seal, 'the seal before is missing, or ends elsewhere'
    FROM wallet.seals AS s
    LEFT JOIN wallet.seals AS p ON s.seal - 1 = p.seal
    WHERE coalesce(p.number_to, -1) + 1 <> s.number_from OR (s.seal > 1 AND p.seal IS NULL)
    UNION ALL
    SELECT b.seal, 'blocks without their seal'
    FROM wallet.seal_blocks AS b
    WHERE NOT EXISTS (SELECT FROM wallet.seals AS s WHERE s.seal = b.seal)
    GROUP BY b.seal
$$;

COMMENT ON FUNCTION wallet.check_seals() IS
'Seals that do not follow from the one before, or are not what their blocks make.';

GRANT EXECUTE ON FUNCTION wallet.check_seals() TO wallet_service, wallet_auditor;
