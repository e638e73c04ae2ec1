-- An instant as the HTTP interface writes it.
CREATE OR REPLACE FUNCTION wallet.instant_json(p_instant timestamptz)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN to_char(p_instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

COMMENT ON FUNCTION wallet.instant_json(timestamptz) IS 'An instant in UTC as RFC 3339 text with microseconds.';
