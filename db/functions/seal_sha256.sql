-- The chain: a seal's hash covers the hash of the seal before, so the newest covers all.
CREATE OR REPLACE FUNCTION wallet.seal_sha256(
    p_seal bigint,
    p_encoding smallint,
    p_day date,
    p_number_from bigint,
    p_number_to bigint,
    p_row_count bigint,
    p_sealed_at timestamptz
)
RETURNS bytea
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(convert_to(
        'seal' || chr(10)
        || wallet.sealed_field('seal', p_seal::text)
        || wallet.sealed_field('encoding', p_encoding::text)
        || wallet.sealed_field('day', to_char(p_day, 'YYYY-MM-DD'))
        || wallet.sealed_field('number_from', p_number_from::text)
        || wallet.sealed_field('number_to', p_number_to::text)
        || wallet.sealed_field('row_count', p_row_count::text)
        || wallet.sealed_field('sealed_at', trunc(extract(EPOCH FROM p_sealed_at) * 1000000)::text)
        || wallet.sealed_field('previous', (SELECT encode(s.sha256, 'hex') FROM wallet.seals AS s WHERE s.seal = p_seal - 1))
        || coalesce(string_agg(wallet.sealed_field('block', b.block::text || ' ' || encode(b.sha256, 'hex')), '' ORDER BY b.block), ''),
        'UTF8'
    ))
    FROM wallet.seal_blocks AS b
    WHERE b.seal = p_seal
$$;

COMMENT ON FUNCTION wallet.seal_sha256(bigint, smallint, date, bigint, bigint, bigint, timestamptz) IS
'The hash of a seal: over its row, the hashes of its blocks as they are stored, and the hash of the seal before.';
