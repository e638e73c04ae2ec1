-- The frame of every list: the rows and where they stand in the whole.
CREATE OR REPLACE FUNCTION wallet.page_json(p_rows text, p_page bigint, p_limit bigint, p_total bigint)
RETURNS json
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    '{"data":[' || coalesce(p_rows, '')
    || '],"pagination":{"page":' || p_page
    || ',"limit":' || p_limit
    || ',"total":' || p_total
    || ',"totalPages":' || (p_total + p_limit - 1) / p_limit
    || '}}'
)::json;

COMMENT ON FUNCTION wallet.page_json(text, bigint, bigint, bigint) IS
'{data, pagination: {page, limit, total, totalPages}} from rows of JSON joined by commas (NULL: none).';
