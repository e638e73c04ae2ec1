-- The public id of the posting with this number. An SQL-standard body, so that the planner can inline it and no search_path matters.
CREATE OR REPLACE FUNCTION wallet.transaction_id(p_number bigint, p_seed uuid)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    lpad(to_hex(p_number >> 12), 12, '0')
    || '8' || lpad(to_hex(p_number & 4095), 3, '0')
    || substr(p_seed::text, 20, 15)
    || '00'
)::uuid;

COMMENT ON FUNCTION wallet.transaction_id(bigint, uuid) IS
'UUID of version 8 (RFC 9562): 60 bits of p_number, 54 bits of the random p_seed, then a zero byte in which an entry''s public id carries its leg. Ordered by id is ordered by number.';
