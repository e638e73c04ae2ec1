-- What a key may do and who made it stays as it was granted, for the owner too: else a posting in its name could not be judged later.
CREATE OR REPLACE FUNCTION wallet.keep_api_key()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF
        (to_jsonb(new) - ARRAY['expires_at', 'revoked_at']) IS DISTINCT FROM (to_jsonb(old) - ARRAY['expires_at', 'revoked_at'])
        OR (old.revoked_at IS NOT NULL AND new.revoked_at IS DISTINCT FROM old.revoked_at)
    THEN
        RAISE EXCEPTION 'UPDATE of wallet.api_keys is not allowed'
        USING ERRCODE = 'WL012', HINT = 'Revoke the key and make another.';
    END IF;
    RETURN new;
END;
$$;

COMMENT ON FUNCTION wallet.keep_api_key() IS
'Trigger: refuses changes of an API key, but for its expiry and its first revocation. Raises WL012.';

CREATE OR REPLACE TRIGGER keep_grant BEFORE UPDATE ON wallet.api_keys
FOR EACH ROW EXECUTE FUNCTION wallet.keep_api_key();

ALTER TABLE wallet.api_keys ENABLE ALWAYS TRIGGER keep_grant;

COMMENT ON TRIGGER keep_grant ON wallet.api_keys IS 'A key''s name, secret, scopes, assets and maker stay; a revocation is for good.';
