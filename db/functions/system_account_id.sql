-- The id of a stripe of a system account: see the comment on wallet.accounts.id.
CREATE OR REPLACE FUNCTION wallet.system_account_id(p_seed uuid, p_stripe integer)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (left(p_seed::text, 14) || '8' || substr(p_seed::text, 16, 19) || lpad(to_hex(p_stripe), 2, '0'))::uuid;

COMMENT ON FUNCTION wallet.system_account_id(uuid, integer) IS
'A UUID of version 8 from a seed (any UUID, or the id of another stripe) with the stripe, 0 to 255, in its last byte.';
