-- The cursor of a list: where a page ended. Opaque to callers.
CREATE OR REPLACE FUNCTION wallet.cursor_text(p_kind text, p_id uuid, p_number bigint DEFAULT 0)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN rtrim(translate(encode(convert_to(p_kind, 'UTF8') || uuid_send(p_id) || int8send(p_number), 'base64'), '+/', '-_'), '=');

COMMENT ON FUNCTION wallet.cursor_text(text, uuid, bigint) IS
'The cursor for an id and a number, of the kind of list that the letter p_kind stands for: 34 letters, digits, - and _. NULL for a NULL id.';
