-- The history of a webhook: who changed it, when and why.
CREATE OR REPLACE FUNCTION wallet.list_webhook_changes(
    p_webhook_id uuid,
    p_page bigint DEFAULT 1,
    p_limit integer DEFAULT 20
)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM wallet.webhooks AS w WHERE w.id = p_webhook_id) THEN
        RAISE EXCEPTION 'Webhook not found.' USING ERRCODE = 'WL037';
    END IF;
    RETURN wallet.list_changes(p_webhook_id, p_page, p_limit);
END;
$$;

COMMENT ON FUNCTION wallet.list_webhook_changes(uuid, bigint, integer) IS
'A page of the changes of a webhook, also of a deleted one, newest first, as JSON {data, pagination}: number, changedAt, changedBy, reason, before, after. Raises WL037 when there never was such a webhook.';

GRANT EXECUTE ON FUNCTION wallet.list_webhook_changes(uuid, bigint, integer) TO wallet_service, wallet_auditor;
