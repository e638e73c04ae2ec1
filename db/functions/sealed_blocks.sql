-- The rows between two posting numbers, folded into blocks of 1,024 numbers as wallet.seal_blocks keeps them.
CREATE OR REPLACE FUNCTION wallet.sealed_blocks(p_number_from bigint, p_number_to bigint)
RETURNS TABLE (block bigint, sha256 bytea, offsets smallint[], legs smallint[], hints bigint[])
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        r.number >> 10,
        sha256(string_agg(r.digest, ''::bytea ORDER BY r.transaction_id, r.leg, r.account_id, r.version)),
        array_agg((r.number & 1023)::smallint ORDER BY r.transaction_id, r.leg, r.account_id, r.version),
        array_agg(r.leg ORDER BY r.transaction_id, r.leg, r.account_id, r.version),
        array_agg(wallet.seal_hint(r.digest) ORDER BY r.transaction_id, r.leg, r.account_id, r.version)
    FROM (
        SELECT
            s.transaction_id, s.leg, s.account_id, s.version,
            wallet.transaction_number(s.transaction_id) AS number, sha256(s.identity || s.content) AS digest
        FROM wallet.sealed_rows(p_number_from, p_number_to) AS s
    ) AS r
    GROUP BY r.number >> 10
$$;

COMMENT ON FUNCTION wallet.sealed_blocks(bigint, bigint) IS
'The blocks that a seal over these posting numbers has, from what the tables hold now.';
