-- What is left of the quotas that refunds, captures and voids draw on, under the locks of their accounts.
--
-- The quota of a refund is what has not been refunded of the transaction; that of a capture or void is the one time a hold can be closed.
CREATE OR REPLACE FUNCTION wallet.load_quotas(
    p_lines wallet.posting_line[],
    p_quota_ids uuid[],
    p_posted_at timestamptz,
    OUT balances numeric[],
    OUT floors numeric[],
    OUT codes text[],
    OUT versions bigint[],
    OUT allowances numeric[],
    OUT spent_codes text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF p_quota_ids IS NULL THEN
        RETURN;
    END IF;
    SELECT
        array_agg(CASE
            WHEN t.id IS NOT NULL THEN t.amount - coalesce(r.refunded, 0)
            WHEN h.state = 'ACTIVE' AND h.expires_at > p_posted_at THEN 1
            ELSE 0
        END ORDER BY q.id),
        array_agg(0 ORDER BY q.id),
        array_agg(CASE
            WHEN t.id IS NOT NULL THEN 'refund_exceeds_amount'
            WHEN h.state = 'ACTIVE' THEN 'hold_expired'
            ELSE 'hold_' || lower(h.state::text)
        END ORDER BY q.id),
        array_agg(0 ORDER BY q.id)
    INTO balances, floors, codes, versions
    FROM (SELECT DISTINCT u.id FROM unnest(p_quota_ids) AS u (id)) AS q
    LEFT JOIN wallet.transactions AS t ON q.id = t.id
    LEFT JOIN wallet.refund_totals AS r ON q.id = r.transaction_id
    LEFT JOIN wallet.holds AS h ON q.id = h.id;

    SELECT
        array_agg((SELECT a.debt_max FROM wallet.accounts AS a WHERE l.may_owe AND a.id = l.source_account_id) ORDER BY l.ordinal),
        array_agg(CASE l.type WHEN 'CAPTURE' THEN 'hold_captured' WHEN 'VOID' THEN 'hold_voided' END ORDER BY l.ordinal)
    INTO allowances, spent_codes
    FROM unnest(p_lines) AS l;
END;
$$;

COMMENT ON FUNCTION wallet.load_quotas(wallet.posting_line[], uuid[], timestamptz) IS
'What is left of each quota, by ascending id, and the code of the refusal when it does not suffice; per line, how far below the floor its debit may go, and the code that its quota has once it is used up. All NULL without quotas.';
