-- Where a page of holds by cursor is, newest first. It looks at 10,000 holds at most, so a page may be short, and the next begins where it
-- stopped looking.
CREATE OR REPLACE FUNCTION wallet.find_holds_before(
    p_account_id uuid,
    p_status text,
    p_at timestamptz,
    p_before uuid,
    p_limit bigint,
    OUT ids uuid[],
    OUT next_before uuid
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    v_before CONSTANT uuid := coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    v_states CONSTANT wallet.hold_state[] := wallet.hold_states(p_status);
BEGIN
    SELECT array_agg(m.id ORDER BY m.id DESC) INTO ids
    FROM (
        SELECT n.id
        FROM (
            SELECT h.id, h.state, h.expires_at
            FROM wallet.holds AS h
            WHERE h.id < v_before AND (p_account_id IS NULL OR h.account_id = p_account_id) AND (v_states <> '{ACTIVE}' OR h.closed_at IS NULL)
            ORDER BY h.id DESC
            LIMIT 10000
        ) AS n
        WHERE wallet.hold_state(n.state, n.expires_at, p_at) = ANY(v_states)
        ORDER BY n.id DESC
        LIMIT p_limit + 1
    ) AS m;
    IF cardinality(ids) > p_limit THEN
        ids := trim_array(ids, 1);
        next_before := ids[p_limit];
        RETURN;
    END IF;
    SELECT h.id INTO next_before
    FROM wallet.holds AS h
    WHERE h.id < v_before AND (p_account_id IS NULL OR h.account_id = p_account_id) AND (v_states <> '{ACTIVE}' OR h.closed_at IS NULL)
    ORDER BY h.id DESC
    OFFSET 9999 LIMIT 1;
END;
$$;

COMMENT ON FUNCTION wallet.find_holds_before(uuid, text, timestamptz, uuid, bigint) IS
'The ids of up to p_limit holds as they are at p_at, newest first, before the id p_before (NULL: from the newest), and the id to go on from (NULL: there are no more); a filter that is NULL does not filter.';
