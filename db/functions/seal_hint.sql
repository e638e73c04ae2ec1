-- Eight bytes of a hash as a number, which arrays hold well.
CREATE OR REPLACE FUNCTION wallet.seal_hint(p_sha256 bytea)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ('x' || encode(substr(p_sha256, 1, 8), 'hex'))::bit(64)::bigint;

COMMENT ON FUNCTION wallet.seal_hint(bytea) IS
'The first 8 bytes of a hash as a bigint.';
