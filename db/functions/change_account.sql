-- Freezing, closing, limits, names: every change of a wallet, for callers from SQL.
CREATE OR REPLACE FUNCTION wallet.change_account(
    p_account_id uuid,
    p_values jsonb,
    p_reason text,
    p_idempotency_key text DEFAULT NULL
)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN wallet.change_account_as(p_account_id, p_values, p_reason, p_idempotency_key, 'role:' || session_user);
END;
$$;

COMMENT ON FUNCTION wallet.change_account(uuid, jsonb, text, text) IS
'Changes fields of a wallet (status, creditsAllowed, creditLimit, balanceMax, debtMax, name, email, ownerId) and gives it as JSON; what changed, who did it and why is kept in wallet.changes. The same key and request again give the first answer, replayed. Raises WL001, WL002, WL011, WL003 (no such account), WL009 (a system account), WL016 (it is closed), WL026 (closing: not empty), WL027, WL029, WL028 (a limit that the balance is beyond already), in this order.';

GRANT EXECUTE ON FUNCTION wallet.change_account(uuid, jsonb, text, text) TO wallet_jobs;
