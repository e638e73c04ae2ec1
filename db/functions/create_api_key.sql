-- An API key. The caller draws the secret and gives its hash, so that the secret itself never comes near the database or its logs.
CREATE OR REPLACE FUNCTION wallet.create_api_key(
    p_name text,
    p_secret_sha256 bytea,
    p_scopes text[],
    p_asset_type_ids uuid[] DEFAULT NULL,
    p_expires_at timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id text;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_asset_type_ids) AS w (id)
        WHERE NOT EXISTS (SELECT FROM wallet.asset_types AS t WHERE t.id = w.id)
    ) THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
    INSERT INTO wallet.api_keys (name, secret_sha256, scopes, asset_type_ids, created_by, expires_at)
    VALUES (p_name, p_secret_sha256, p_scopes, p_asset_type_ids, session_user, p_expires_at)
    RETURNING id INTO v_id;
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION wallet.create_api_key(text, bytea, text[], uuid[], timestamptz) IS
'Makes an API key from the SHA-256 of its secret and gives its id. Without asset types it reaches all of them; without an expiry it lasts until it is revoked. Raises WL004 for an unknown asset type, 23514 for a bad name, hash or list.';
