-- What a conversion credits is its amount times its rate, cut to the decimals of the other asset; the rest is its remainder.
CREATE OR REPLACE FUNCTION wallet.check_conversions(p_since_id uuid DEFAULT '00000000-0000-0000-0000-000000000000')
RETURNS TABLE (transaction_id uuid, amount numeric, rate numeric, credited numeric, remainder numeric)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.id, t.amount, f.rate, f.credited, f.remainder
    FROM wallet.transactions AS t
    CROSS JOIN LATERAL (
        SELECT
            (t.request ->> 'amount')::numeric AS amount, (t.request ->> 'rate')::numeric AS rate,
            (t.request ->> 'credited')::numeric AS credited, (t.request ->> 'remainder')::numeric AS remainder
    ) AS f
    CROSS JOIN LATERAL (
        SELECT
            array_agg(CASE e.entry_type WHEN 'DEBIT' THEN -e.amount ELSE e.amount END ORDER BY l.leg) AS amounts,
            (array_agg(a.asset_decimals ORDER BY l.leg))[4] AS decimals
        FROM unnest(t.leg_account_ids, t.leg_versions) WITH ORDINALITY AS l (account_id, version, leg)
        LEFT JOIN wallet.ledger_entries AS e ON l.account_id = e.account_id AND l.version = e.version
        LEFT JOIN wallet.accounts AS a ON l.account_id = a.id
    ) AS l
    WHERE
        t.id >= p_since_id AND t.type = 'CONVERSION'
        AND (
            f.amount = t.amount AND f.rate > 0 AND l.amounts = ARRAY[-t.amount, t.amount, -f.credited, f.credited]
            AND f.credited = trunc(t.amount * f.rate, l.decimals) AND f.remainder = t.amount * f.rate - f.credited
            AND f.credited > 0
        ) IS NOT TRUE;
END;
$$;

COMMENT ON FUNCTION wallet.check_conversions(uuid) IS
'Conversions whose entries are not what amount, rate and decimals make, or that note another remainder. From the transaction with p_since_id on; all of them by default.';

GRANT EXECUTE ON FUNCTION wallet.check_conversions(uuid) TO wallet_service, wallet_auditor;
