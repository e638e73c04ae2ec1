-- A webhook by id.
CREATE OR REPLACE FUNCTION wallet.get_webhook(p_webhook_id uuid)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_webhook wallet.webhooks;
BEGIN
    SELECT * INTO v_webhook FROM wallet.webhooks AS w WHERE w.id = p_webhook_id;
    PERFORM wallet.check_webhook(v_webhook, NULL);
    RETURN wallet.webhook_json(v_webhook);
END;
$$;

COMMENT ON FUNCTION wallet.get_webhook(uuid) IS
'A webhook as JSON, without its secret. Raises WL037 when there is no such webhook, or no more.';

GRANT EXECUTE ON FUNCTION wallet.get_webhook(uuid) TO wallet_service, wallet_auditor;
