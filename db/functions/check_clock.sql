-- An instant ahead of the clock drags its accounts' later postings along, until the clock has caught up.
CREATE OR REPLACE FUNCTION wallet.check_clock(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, created_at timestamptz)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.created_at
    FROM wallet.transactions AS t
    WHERE t.id >= p_since_id AND t.created_at > clock_timestamp() + interval '1 minute';
END;
$$;

COMMENT ON FUNCTION wallet.check_clock(uuid) IS
'Transactions with an instant more than a minute ahead of the server''s clock. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_clock(uuid) TO wallet_service, wallet_auditor;
