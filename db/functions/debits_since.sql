-- What was debited from a wallet after an instant: the newest running total, less that at the instant, and the entries that are not in
-- the totals yet. Some look-ups by index, however many debits there were.
--
-- Refunds take back what was given and are no spending. A wallet without totals counts from 366 days ago, the longest period there is.
CREATE OR REPLACE FUNCTION wallet.debits_since(
    p_account_id uuid, p_since timestamptz, OUT amount numeric, OUT debit_count bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_newest wallet.debit_totals;
    v_before wallet.debit_totals;
BEGIN
    SELECT * INTO v_newest FROM wallet.debit_totals AS d WHERE d.account_id = p_account_id ORDER BY d.at DESC LIMIT 1;
    SELECT * INTO v_before
    FROM wallet.debit_totals AS d WHERE d.account_id = p_account_id AND d.at <= p_since ORDER BY d.at DESC LIMIT 1;
    amount := coalesce(v_newest.amount - coalesce(v_before.amount, 0), 0);
    debit_count := coalesce(v_newest.debit_count - coalesce(v_before.debit_count, 0), 0);
    IF EXISTS (SELECT FROM wallet.accounts AS a WHERE a.id = p_account_id AND a.version IS DISTINCT FROM v_newest.version) THEN
        SELECT debits_since.amount + coalesce(sum(u.amount), 0), debits_since.debit_count + count(*) INTO amount, debit_count
        FROM wallet.uncounted_debits(p_account_id, v_newest.version, p_since) AS u
        WHERE u.created_at > p_since;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.debits_since(uuid, timestamptz) IS
'Sum and number of a wallet''s debits by spends, transfers, captures, journals and conversions after the instant, which is at most 366 days ago.';
