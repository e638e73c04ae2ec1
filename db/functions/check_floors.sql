-- No history shows a wallet below its floor, not even for a moment.
CREATE OR REPLACE FUNCTION wallet.check_floors()
RETURNS TABLE (account_id uuid, version bigint, balance_after numeric, balance_min numeric)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.account_id, e.version, e.balance_after, a.balance_min
    FROM wallet.ledger_entries AS e
    JOIN wallet.accounts AS a ON e.account_id = a.id
    WHERE e.balance_after < a.balance_min
$$;

COMMENT ON FUNCTION wallet.check_floors() IS
'Entries that left their account below its floor.';

GRANT EXECUTE ON FUNCTION wallet.check_floors() TO wallet_service, wallet_auditor;
