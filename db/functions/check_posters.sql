-- Who posted: a key that exists, or a login.
CREATE OR REPLACE FUNCTION wallet.check_posters(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, posted_by text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.posted_by
    FROM (
        SELECT x.id, x.posted_by FROM wallet.transactions AS x WHERE x.id >= p_since_id
        UNION ALL
        SELECT h.id, h.posted_by FROM wallet.holds AS h WHERE h.id >= p_since_id
    ) AS t
    WHERE
        t.posted_by IS NOT NULL
        AND CASE
            WHEN t.posted_by LIKE 'key:%'
                THEN NOT EXISTS (SELECT FROM wallet.api_keys AS k WHERE k.id = substr(t.posted_by, 5))
            ELSE t.posted_by NOT LIKE 'role:_%'
        END;
END;
$$;

COMMENT ON FUNCTION wallet.check_posters(uuid) IS
'Transactions and holds whose posted_by is neither key: with an API key that exists nor role: with a login. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_posters(uuid) TO wallet_service, wallet_auditor;
