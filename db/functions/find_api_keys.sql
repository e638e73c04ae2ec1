-- What the service needs to check tokens; those that come together are looked up together. How long a key still lasts is given instead
-- of an instant, so that only the database's clock decides.
CREATE OR REPLACE FUNCTION wallet.find_api_keys(p_ids text[])
RETURNS TABLE (id text, secret_sha256 bytea, scopes text[], asset_type_ids uuid[], expires_in_seconds double precision)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        k.id,
        k.secret_sha256,
        k.scopes,
        k.asset_type_ids,
        extract(EPOCH FROM k.expires_at - clock_timestamp())::double precision
    FROM wallet.api_keys AS k
    WHERE k.id = ANY(p_ids) AND k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), TRUE)
$$;

COMMENT ON FUNCTION wallet.find_api_keys(text[]) IS
'The API keys with these ids that are live: the hash of the secret, scopes, asset types (NULL: all), and the seconds until the key expires (NULL: it does not). A key that was revoked or has expired is left out.';

GRANT EXECUTE ON FUNCTION wallet.find_api_keys(text[]) TO wallet_service;
