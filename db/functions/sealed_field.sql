-- One column of a sealed row as bytes that can be read in one way only: name=length:value and a line feed. NULL is left out, so
-- that a nullable column that is added later changes nothing for the rows from before.
CREATE OR REPLACE FUNCTION wallet.sealed_field(p_name text, p_value text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN coalesce(p_name || '=' || octet_length(p_value)::text || ':' || p_value || chr(10), '');

COMMENT ON FUNCTION wallet.sealed_field(text, text) IS
'A column of a row for its seal: the name, the length of the value in bytes, and the value; nothing for NULL.';
