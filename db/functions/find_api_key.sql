-- What the service needs to check a token. How long the key still lasts is given instead of an instant, so that only the database's
-- clock decides.
CREATE OR REPLACE FUNCTION wallet.find_api_key(p_id text)
RETURNS TABLE (secret_sha256 bytea, scopes text[], asset_type_ids uuid[], expires_in_seconds double precision)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        k.secret_sha256,
        k.scopes,
        k.asset_type_ids,
        extract(EPOCH FROM k.expires_at - clock_timestamp())::double precision
    FROM wallet.api_keys AS k
    WHERE k.id = p_id AND k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), TRUE)
$$;

COMMENT ON FUNCTION wallet.find_api_key(text) IS
'The API key with this id: the hash of its secret, its scopes, its asset types (NULL: all), and the seconds until it expires (NULL: it does not). No row when there is none, or it was revoked or has expired.';

GRANT EXECUTE ON FUNCTION wallet.find_api_key(text) TO wallet_service;
