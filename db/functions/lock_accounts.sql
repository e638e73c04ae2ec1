-- Second step of the posting core: locks every account of the batch in ascending id and reads what the locks protect.
--
-- FOR NO KEY UPDATE, never FOR UPDATE: a foreign key's KEY SHARE lock on the row must not wait for a posting.
--
-- What an account allows is folded into one floor and one ceiling, so that the settling loop compares twice and looks nowhere else: a
-- hold raises the floor, a frozen account's floor is out of reach.
CREATE OR REPLACE FUNCTION wallet.lock_accounts(
    p_account_ids uuid[],
    OUT account_ids uuid[],
    OUT balances numeric[],
    OUT floors numeric[],
    OUT ceilings numeric[],
    OUT debit_codes text[],
    OUT credit_codes text[],
    OUT versions bigint[],
    OUT posted_at timestamptz
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_held numeric;
BEGIN
    FOR v_try IN 1..2 LOOP
        SELECT
            array_agg(a.id), array_agg(a.balance),
            array_agg(CASE WHEN a.status = 'ACTIVE' THEN a.balance_min + a.held ELSE 'Infinity' END),
            array_agg(CASE WHEN a.status = 'ACTIVE' OR a.status = 'FROZEN' AND a.credits_allowed THEN a.balance_max ELSE '-Infinity' END),
            array_agg(CASE a.status WHEN 'ACTIVE' THEN 'insufficient_balance' WHEN 'FROZEN' THEN 'account_frozen' ELSE 'account_closed' END),
            array_agg(CASE
                WHEN a.status = 'ACTIVE' OR a.status = 'FROZEN' AND a.credits_allowed THEN 'balance_max_exceeded'
                WHEN a.status = 'FROZEN' THEN 'account_frozen' ELSE 'account_closed'
            END),
            array_agg(a.version), greatest(clock_timestamp(), max(a.updated_at), posted_at), sum(a.held)
        INTO account_ids, balances, floors, ceilings, debit_codes, credit_codes, versions, posted_at, v_held
        FROM (
            SELECT b.id, b.balance, b.balance_min, b.balance_max, b.held, b.status, b.credits_allowed, b.version, b.updated_at
            FROM wallet.accounts AS b
            WHERE b.id = ANY(p_account_ids)
            ORDER BY b.id
            FOR NO KEY UPDATE
        ) AS a;
        -- Holds that have run out by now are booked first, and the floors read again.
        EXIT WHEN coalesce(v_held, 0) = 0 OR NOT wallet.expire_holds(account_ids, posted_at);
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.lock_accounts(uuid[]) IS
'Locks accounts in ascending id. Gives their state as parallel arrays in that order: the balance, between what it must stay (NULL: unbounded), the code of the refusal where it would not, and the version; and the instant of the postings: now, but never before an account''s last posting.';
