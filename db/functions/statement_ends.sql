-- Where a statement begins and ends: in each row of the account, the last entry by either instant, as wallet.balance_at has it. Entries
-- never change, so the versions fix the statement, whatever is posted while it is read.
CREATE OR REPLACE FUNCTION wallet.statement_ends(
    p_account_id uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_settled_at timestamptz,
    OUT asset_type_id uuid,
    OUT from_at timestamptz,
    OUT to_at timestamptz,
    OUT account_ids uuid[],
    OUT lows bigint[],
    OUT highs bigint[],
    OUT opening numeric,
    OUT closing numeric,
    OUT is_final boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    -- Before it RFC 3339 has no years.
    v_first CONSTANT timestamptz := '0001-01-01 00:00:00+00';
    v_now timestamptz := clock_timestamp();
    v_oldest_change timestamptz;
    v_newest_change timestamptz;
BEGIN
    IF p_from > p_to THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"from": ["Must not be after to."]}';
    END IF;
    SELECT min(a.updated_at), max(a.updated_at) INTO v_oldest_change, v_newest_change FROM wallet.stripes_of(p_account_id) AS a;
    -- An account that was posted to before the clock was set back has its newest entries ahead of it.
    v_now := CASE WHEN v_newest_change > v_now THEN v_newest_change ELSE coalesce(p_settled_at, v_now) END;
    to_at := greatest(least(p_to, v_now), v_first);
    from_at := CASE WHEN p_from IS NOT NULL THEN greatest(least(p_from, to_at), v_first) END;
    SELECT
        (array_agg(a.asset_type_id))[1],
        array_agg(a.id ORDER BY a.stripe), array_agg(v.low ORDER BY a.stripe), array_agg(v.high ORDER BY a.stripe),
        coalesce(sum(l.balance_after), 0), coalesce(sum(h.balance_after), 0)
    INTO asset_type_id, account_ids, lows, highs, opening, closing
    FROM wallet.stripes_of(p_account_id) AS a
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN from_at IS NULL THEN 0 ELSE wallet.version_at(a.id, 0, a.version, from_at) END AS low,
            wallet.version_at(a.id, 0, a.version, to_at) AS high
    ) AS v
    LEFT JOIN wallet.ledger_entries AS l ON a.id = l.account_id AND v.low = l.version
    LEFT JOIN wallet.ledger_entries AS h ON a.id = h.account_id AND v.high = h.version;
    -- No entry is ever made at an instant before its account's last change.
    is_final := to_at < v_oldest_change OR coalesce(to_at <= p_settled_at, FALSE);
END;
$$;

COMMENT ON FUNCTION wallet.statement_ends(uuid, timestamptz, timestamptz, timestamptz) IS
'The ends of a statement over the entries after p_from (NULL: all) and up to p_to (NULL, or in the future: now): the rows of the account by stripe, the versions below and at which the statement begins and ends in each, the balances there, and whether no further entry can come to lie between. p_settled_at: every posting of an instant up to it has ended. Raises WL001 when p_from is after p_to, WL003 when there is no such account.';
