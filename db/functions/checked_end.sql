-- A hold that is made after its end would hold nothing. Its end was in the future when the operation was looked at, so somebody kept the
-- account since: the next try is refused as it should be.
CREATE OR REPLACE FUNCTION wallet.checked_end(p_expires_at timestamptz, p_posted_at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_expires_at <= p_posted_at THEN
        RAISE EXCEPTION 'The end of a hold passed while its account was waited for.'
        USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
    RETURN p_expires_at;
END;
$$;

COMMENT ON FUNCTION wallet.checked_end(timestamptz, timestamptz) IS
'The end of a hold that is made at p_posted_at. Raises 40001 when that is not before the end.';
