-- The end of an API key. The first revocation counts.
CREATE OR REPLACE FUNCTION wallet.revoke_api_key(p_id text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE wallet.api_keys AS k SET revoked_at = coalesce(k.revoked_at, clock_timestamp()) WHERE k.id = p_id;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION wallet.revoke_api_key(text) IS
'Revokes an API key for good, and says whether there is one with this id. Services stop taking it within seconds.';
