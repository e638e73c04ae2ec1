-- What the types that are more than two accounts and an amount show besides.
CREATE OR REPLACE FUNCTION wallet.transaction_extras_json(p_transaction wallet.transactions)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE p_transaction.type::text
        WHEN 'REFUND' THEN format(',"refundOf":"%s"', p_transaction.related_id)
        WHEN 'CAPTURE' THEN format(',"holdId":"%s"', p_transaction.related_id)
        WHEN 'TOP_UP' THEN format(',"campaign":%s', p_transaction.request -> 'campaign')
        WHEN 'BONUS' THEN format(',"campaign":%s', p_transaction.request -> 'campaign')
        WHEN 'CONVERSION' THEN format(
            ',"rate":%s,"creditedAmount":%s,"remainder":%s',
            p_transaction.request -> 'rate', p_transaction.request -> 'credited', p_transaction.request -> 'remainder'
        )
        ELSE ''
    END || CASE WHEN p_transaction.leg_account_ids IS NULL THEN '' ELSE format(',"entries":[%s]', (
        SELECT string_agg(format(
            '{"accountId":"%s","entryType":"%s","amount":%s}',
            wallet.public_account_id(e.account_id), e.entry_type, trim_scale(e.amount)
        ), ',' ORDER BY e.leg)
        FROM unnest(p_transaction.leg_account_ids, p_transaction.leg_versions) AS l (account_id, version)
        JOIN wallet.ledger_entries AS e ON l.account_id = e.account_id AND l.version = e.version
    )) END;
END;
$$;

COMMENT ON FUNCTION wallet.transaction_extras_json(wallet.transactions) IS
'Further members of a transaction''s JSON, each with a comma before it: refundOf, holdId, campaign, rate with creditedAmount and remainder, entries.';
