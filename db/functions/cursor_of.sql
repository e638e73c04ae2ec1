-- What a cursor says: the reverse of wallet.cursor_text.
CREATE OR REPLACE FUNCTION wallet.cursor_of(p_kind text, p_cursor text, OUT id uuid, OUT number bigint)
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_bytes bytea;
BEGIN
    IF p_cursor = '' THEN
        RETURN;
    END IF;
    IF p_cursor ~ '^[A-Za-z0-9_-]{34}$' THEN
        v_bytes := decode(translate(p_cursor, '-_', '+/') || '==', 'base64');
        id := encode(substr(v_bytes, 2, 16), 'hex');
        number := ('x' || encode(substr(v_bytes, 18, 8), 'hex'))::bit(64)::bigint;
    END IF;
    -- Also shuts out the cursors of other kinds of list.
    IF id IS NULL OR wallet.cursor_text(p_kind, id, number) <> p_cursor THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"cursor": ["Is no cursor of this list."]}';
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.cursor_of(text, text) IS
'The id and the number in a cursor of this kind of list; NULL for the empty cursor, which stands for the beginning. Raises WL001 for what is no such cursor.';
