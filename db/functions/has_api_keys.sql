-- Whether anybody could be let in: a service that demands keys looks once, when it starts.
CREATE OR REPLACE FUNCTION wallet.has_api_keys()
RETURNS boolean
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM wallet.api_keys AS k
        WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), TRUE)
    )
$$;

COMMENT ON FUNCTION wallet.has_api_keys() IS
'Whether there is an API key that is neither revoked nor expired.';

GRANT EXECUTE ON FUNCTION wallet.has_api_keys() TO wallet_service;
