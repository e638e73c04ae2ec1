-- A webhook that is to be read or changed must be there, and the asset types that it names too.
CREATE OR REPLACE FUNCTION wallet.check_webhook(p_webhook wallet.webhooks, p_asset_type_ids uuid[])
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_webhook.id IS NULL OR p_webhook.status = 'DELETED' THEN
        RAISE EXCEPTION 'Webhook not found.' USING ERRCODE = 'WL037';
    END IF;
    IF EXISTS (
        SELECT 1 FROM unnest(p_asset_type_ids) AS w (id)
        WHERE NOT EXISTS (SELECT 1 FROM wallet.asset_types AS t WHERE t.id = w.id)
    ) THEN
        RAISE EXCEPTION 'Asset type not found.' USING ERRCODE = 'WL004';
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.check_webhook(wallet.webhooks, uuid[]) IS
'Raises WL037 when there is no such webhook, or no more; WL004 when one of the asset types is not there.';
