-- The posting's number, from its transaction's id: the reverse of wallet.transaction_id.
CREATE OR REPLACE FUNCTION wallet.transaction_number(p_transaction_id uuid)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ('x' || left(p_transaction_id::text, 8) || substr(p_transaction_id::text, 10, 4) || substr(p_transaction_id::text, 16, 3))::bit(60)::bigint;

COMMENT ON FUNCTION wallet.transaction_number(uuid) IS
'The number of the posting with this transaction id.';
