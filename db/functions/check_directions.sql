-- Which kinds of accounts a transaction runs between is said by its type. A refund runs where its original came from: check_refunds.
CREATE OR REPLACE FUNCTION wallet.check_directions(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, type text, source_type text, dest_type text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.type::text, s.account_type::text, d.account_type::text
    FROM wallet.transactions AS t
    JOIN wallet.accounts AS s ON t.source_account_id = s.id
    JOIN wallet.accounts AS d ON t.dest_account_id = d.id
    WHERE
        t.id >= p_since_id AND t.type <> 'REFUND'
        AND NOT CASE t.type
            WHEN 'SPEND' THEN s.account_type = 'USER' AND d.account_type = 'REVENUE'
            WHEN 'CAPTURE' THEN s.account_type = 'USER' AND d.account_type IN ('USER', 'REVENUE') AND s.id <> d.id
            WHEN 'TRANSFER' THEN s.account_type = 'USER' AND d.account_type = 'USER' AND s.id <> d.id
            WHEN 'TOP_UP' THEN s.account_type = 'TREASURY' AND d.account_type = 'USER'
            WHEN 'BONUS' THEN s.account_type = 'TREASURY' AND d.account_type = 'USER'
            ELSE FALSE
        END
    UNION ALL
    -- Those with legs of their own; the types of the accounts in order of leg.
    SELECT t.id, t.type::text, l.account_types, NULL
    FROM wallet.transactions AS t
    CROSS JOIN LATERAL (
        SELECT string_agg(a.account_type::text, ', ' ORDER BY u.leg) AS account_types
        FROM unnest(t.leg_account_ids) WITH ORDINALITY AS u (account_id, leg)
        JOIN wallet.accounts AS a ON u.account_id = a.id
    ) AS l
    WHERE
        t.id >= p_since_id AND t.leg_account_ids IS NOT NULL AND t.type <> 'REFUND'
        AND NOT CASE t.type
            WHEN 'CONVERSION' THEN l.account_types = 'USER, CONVERSION, CONVERSION, USER'
            WHEN 'JOURNAL' THEN l.account_types NOT LIKE '%CONVERSION%'
            ELSE FALSE
        END;
END;
$$;

COMMENT ON FUNCTION wallet.check_directions(uuid) IS
'Transactions that do not run between the accounts their type says. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_directions(uuid) TO wallet_service, wallet_auditor;
