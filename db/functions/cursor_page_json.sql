-- The frame of a list that is followed by cursor: the rows and where the next page begins.
CREATE OR REPLACE FUNCTION wallet.cursor_page_json(p_rows text, p_limit bigint, p_next_cursor text)
RETURNS json
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    '{"data":[' || coalesce(p_rows, '')
    || '],"pagination":{"limit":' || p_limit
    || ',"nextCursor":' || coalesce('"' || p_next_cursor || '"', 'null')
    || '}}'
)::json;

COMMENT ON FUNCTION wallet.cursor_page_json(text, bigint, text) IS
'{data, pagination: {limit, nextCursor}} from rows of JSON joined by commas (NULL: none) and the next cursor (NULL: the list has ended).';
