-- Renaming an asset type, and switching it off or on, for the owner from SQL.
CREATE OR REPLACE FUNCTION wallet.change_asset_type(
    p_asset_type_id uuid,
    p_values jsonb,
    p_reason text,
    p_idempotency_key text DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN wallet.change_asset_type_as(p_asset_type_id, p_values, p_reason, p_idempotency_key, 'role:' || session_user);
END;
$$;

COMMENT ON FUNCTION wallet.change_asset_type(uuid, jsonb, text, text) IS
'Changes fields of an asset type (name, description, isActive) and gives it as JSON; what changed, who did it and why is kept in wallet.changes. The same key and request again give the first answer, replayed. Raises WL001, WL002, WL011, WL004 (no such asset type), in this order.';
