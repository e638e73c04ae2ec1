-- The place after the events up to a number. An event's own id leads to the same place.
CREATE OR REPLACE FUNCTION wallet.event_cursor(p_number bigint)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN wallet.transaction_id(p_number, '00000000-0000-0000-8000-000000000000');

COMMENT ON FUNCTION wallet.event_cursor(bigint) IS
'The cursor after every event up to this number: a UUID of version 8, as the events'' own ids are.';
